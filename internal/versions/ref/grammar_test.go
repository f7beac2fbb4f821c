package ref

import (
	"strings"
	"testing"
)

func TestIsTag(t *testing.T) {
	tests := map[string]bool{
		"":                       false,
		"v4.3.1":                 true,
		"_17.5-lite":             true,
		".hidden":                false,
		"-dash":                  false,
		"a/b":                    false,
		"a b":                    false,
		"a\n":                    false,
		"été":                    false,
		strings.Repeat("a", 128): true,
		strings.Repeat("a", 129): false,
	}
	for tag, want := range tests {
		if got := IsTag(tag); got != want {
			t.Errorf("IsTag(%q) = %v, want %v", tag, got, want)
		}
	}
}
