package terminal

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// userinfo is what stands between "://" and the last "@" before a path in an address.
var userinfo = regexp.MustCompile(`://[^/\s"']+@`)

// Plain makes text that comes from elsewhere, a registry's answer for example, safe to
// show: control characters, which could move the cursor or clear the screen, are written
// out, and addresses lose user and password. Newlines and tabs stay.
func Plain(text string) string {
	return written(userinfo.ReplaceAllString(text, "://***@"), `\x%02x`)
}

// label is what a message of the program's own begins with.
var label = regexp.MustCompile(`\n[ \t]*(error|warning|hint):`)

// Message is Plain for one message, whose further lines must not pass for messages of their own:
// the hint in what a chart says is not ours.
func Message(text string) string {
	return label.ReplaceAllString(Plain(text), "\n  | $1:")
}

// Escaped is Plain for the text of JSON, which means the same afterwards: what is dangerous stands in
// strings only, and is escaped there.
func Escaped(text string) string { return written(text, `\u%04x`) }

// written is text with what is dangerous in a form that shows its number.
func written(text, form string) string {
	if !IsDangerous(text) {
		return text
	}
	var safe strings.Builder
	for _, r := range text {
		if dangerous(r) {
			fmt.Fprintf(&safe, form, r)
			continue
		}
		safe.WriteRune(r)
	}
	return safe.String()
}

// IsDangerous tells whether a text has what Plain writes out.
func IsDangerous(text string) bool { return strings.IndexFunc(text, dangerous) >= 0 }

// dangerous are control characters, and those that turn the direction of writing round.
func dangerous(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control)
}
