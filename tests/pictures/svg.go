package pictures

import (
	"fmt"
	"html"
	"strings"
)

// A character's cell in a picture, and the room around the text, in pixels.
const (
	cellWidth, cellHeight = 8.4, 19
	margin, bar           = 16, 30
)

// colours are those of the styles that the program has, by the numbers of SGR. They are light, for the
// picture is dark wherever it is shown.
var colours = map[int]string{0: "#e6e9ee", 31: "#ff9c9c", 33: "#f5c46b", 36: "#7fd6e6"}

// svg draws lines of a terminal. Each run of a colour is a text of its own whose length is given, so that
// columns stay columns whichever font is there.
func svg(title string, lines [][]cell) (string, error) {
	width, height := columns*cellWidth+2*margin, len(lines)*cellHeight+bar+margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" role="img" aria-labelledby="t">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title id=\"t\">%s</title>\n", html.EscapeString(title))
	b.WriteString("<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,\"Liberation Mono\",monospace;white-space:pre}</style>\n")
	fmt.Fprintf(&b, `<rect width="%.0f" height="%d" rx="8" fill="#12161c"/>`+"\n", width, height)
	for i := range 3 {
		fmt.Fprintf(&b, `<circle cx="%d" cy="15" r="5" fill="#353d4a"/>`+"\n", margin+5+18*i)
	}
	for row, line := range lines {
		for start := 0; start < len(line); {
			end := start + 1
			for end < len(line) && line[end].colour == line[start].colour {
				end++
			}
			if err := run(&b, line[start:end], start, row); err != nil {
				return "", err
			}
			start = end
		}
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

// run draws characters of one colour.
func run(b *strings.Builder, cells []cell, column, row int) error {
	words := text(cells)
	if words == "" {
		return nil
	}
	colour, ok := colours[cells[0].colour]
	if !ok {
		return fmt.Errorf("a picture has no colour %d", cells[0].colour)
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="%s" textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve">%s</text>`+"\n",
		margin+float64(column)*cellWidth, bar+margin/2+row*cellHeight+6, colour, float64(len([]rune(words)))*cellWidth, html.EscapeString(words))
	return nil
}
