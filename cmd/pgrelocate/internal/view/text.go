package view

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// YesNo is a truth in a table.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// ShortDigest is enough of a digest to tell one from another at a glance.
func ShortDigest(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) < 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}

// PlainLine is a text in one line that can do nothing to a terminal.
func PlainLine(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(terminal.Plain(text))
}
