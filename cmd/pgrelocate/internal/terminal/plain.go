package terminal

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// userinfo is what stands between "://" and "@" in an address.
var userinfo = regexp.MustCompile(`://[^/\s@"']+@`)

// Plain makes text that comes from elsewhere, a registry's answer for example, safe to
// show: control characters, which could move the cursor or clear the screen, are written
// out, and addresses lose user and password. Newlines and tabs stay.
func Plain(text string) string {
	text = userinfo.ReplaceAllString(text, "://***@")
	if strings.IndexFunc(text, dangerous) < 0 {
		return text
	}
	var plain strings.Builder
	for _, r := range text {
		if dangerous(r) {
			fmt.Fprintf(&plain, `\x%02x`, r)
			continue
		}
		plain.WriteRune(r)
	}
	return plain.String()
}

// dangerous are control characters, and those that turn the direction of writing round.
func dangerous(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control)
}
