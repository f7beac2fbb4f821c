package ref

import (
	"regexp"
	"strconv"
)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9._/:<>=+-]+$`)

// Quote puts quotes around what would not read as one word in a message, and escapes
// what a terminal would act on.
func Quote(s string) string {
	const longest = 80
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	if plainWord.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
