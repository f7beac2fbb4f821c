package output

import (
	"strings"
	"unicode/utf8"
)

// Fit is a message whose lines are broken at a width, as Wrap does. What fits stays as it is, and so do lines
// that are indented: they are to be copied, or are parts of a table.
func Fit(message string, width int) string {
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		if width > 0 && utf8.RuneCountInString(line) > width && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			lines[i] = strings.Join(Wrap(line, width), "\n")
		}
	}
	return strings.Join(lines, "\n")
}

// Wrap breaks a text at its blanks into lines of width characters at most. A word that is longer than that
// has a line of its own; 0 is no limit. What stands in backquotes is to be copied, and a word where it fits.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range words(text, width) {
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

// words are the words of a text, with commands in backquotes of width characters at most as one.
func words(text string, width int) (words []string) {
	fields := strings.Fields(text)
	for len(fields) > 0 {
		n := 1
		for strings.Count(strings.Join(fields[:n], " "), "`")%2 == 1 && n < len(fields) {
			n++
		}
		word := strings.Join(fields[:n], " ")
		if strings.Count(word, "`")%2 == 1 || utf8.RuneCountInString(word) > width {
			word, n = fields[0], 1
		}
		words, fields = append(words, word), fields[n:]
	}
	return words
}

// LongestWord is how many characters the longest word of a text has.
func LongestWord(text string) (longest int) {
	for _, word := range strings.Fields(text) {
		longest = max(longest, utf8.RuneCountInString(word))
	}
	return longest
}
