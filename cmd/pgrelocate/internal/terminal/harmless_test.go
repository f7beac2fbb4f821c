package terminal

import (
	"strings"
	"testing"
)

// Pieces may end within a character; what is no text stays none.
func TestHarmless(t *testing.T) {
	tests := []struct{ in, want string }{
		{"image: a\n\tb: ü\n", "image: a\n\tb: ü\n"},
		{"\x1b[2Ja\rb\u202ec\u0085", `\x1b[2Ja\x0db\x202ec\x85`},
		{"a: b\r\nc\r\r\n", "a: b\nc\\x0d\n"},
		{"a\x9bb", "a\ufffdb"},
	}
	for _, tt := range tests {
		for size := 1; size <= 4; size++ {
			var shown strings.Builder
			w := Harmless(&shown)
			for rest := tt.in; rest != ""; {
				piece := rest[:min(size, len(rest))]
				rest = rest[len(piece):]
				if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
					t.Fatalf("Write(%q) = %d, %v", piece, n, err)
				}
			}
			if got := shown.String(); got != tt.want {
				t.Errorf("Harmless shows %q in pieces of %d as %q, want %q", tt.in, size, got, tt.want)
			}
		}
	}
}
