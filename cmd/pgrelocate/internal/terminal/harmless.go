package terminal

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// Harmless is a terminal on which what is dangerous in a text appears with its number, whoever made the text: what is
// written for programs, manifests above all, may be a chart's word for word. Lines that end as on Windows are none of it.
func Harmless(w io.Writer) io.Writer { return &harmless{w: w} }

type harmless struct {
	w io.Writer
	// begun is the beginning of a character or of the end of a line, of which the rest is in the next piece.
	begun []byte
}

// Write writes p.
func (h *harmless) Write(p []byte) (int, error) {
	text := append(h.begun, p...)
	end := len(text) - unfinished(text)
	h.begun = bytes.Clone(text[end:])
	lines := strings.ReplaceAll(strings.ToValidUTF8(string(text[:end]), string(utf8.RuneError)), "\r\n", "\n")
	shown := written(lines, `\x%02x`)
	if _, err := io.WriteString(h.w, shown); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished is how many bytes at the end of a text are the beginning of a character, or of the end of a line.
func unfinished(text []byte) int {
	if bytes.HasSuffix(text, []byte{'\r'}) {
		return 1
	}
	for n := 1; n <= min(len(text), utf8.UTFMax); n++ {
		if begin := text[len(text)-n:]; utf8.RuneStart(begin[0]) {
			if utf8.FullRune(begin) {
				return 0
			}
			return n
		}
	}
	return 0
}
