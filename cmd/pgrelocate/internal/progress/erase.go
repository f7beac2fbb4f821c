package progress

import (
	"strings"
	"unicode/utf8"
)

// erase overwrites a line with blanks and goes back to its start. Every terminal can do
// that, where escape sequences need one that knows them.
func erase(line string) []byte {
	if line == "" {
		return nil
	}
	return []byte("\r" + strings.Repeat(" ", utf8.RuneCountInString(line)) + "\r")
}
