package output

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text at its blanks into lines of width characters at most. A word that is longer than that
// has a line of its own; 0 is no limit.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case width > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// LongestWord is how many characters the longest word of a text has.
func LongestWord(text string) (longest int) {
	for _, word := range strings.Fields(text) {
		longest = max(longest, utf8.RuneCountInString(word))
	}
	return longest
}
