// Package plot draws measurements as SVG pictures: bars beside each other, and lines over a
// magnitude that grows. The pictures need nothing else, follow the reader's choice of a light or a
// dark page, and say every figure in words too.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Width of every picture, in pixels of its own.
const Width = 720

const (
	margin     = 16
	titleSize  = 17
	lineHeight = 22
)

// canvas collects a picture from top to bottom.
type canvas struct {
	body   bytes.Buffer
	height float64
}

const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.note, .tick { fill: #57606a }
.tick { font-size: 11px }
.bar, .dot { fill: #8c959f }
.ours { fill: #0a5fd1 }
.line { fill: none; stroke: #8c959f; stroke-width: 2 }
.line.ours { fill: none; stroke: #0a5fd1; stroke-width: 3 }
.rule { stroke: #d0d7de }
.limit { stroke: #b35900; stroke-width: 2; stroke-dasharray: 5 4 }
text.ours { font-weight: 600 }
.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note, .tick { fill: #9da7b3 }
  .bar, .dot { fill: #6e7681 }
  .ours { fill: #6cb6ff }
  .line { stroke: #6e7681 }
  .line.ours { stroke: #6cb6ff }
  .rule { stroke: #3d444d }
  .limit { stroke: #f0a35e }
  .page { fill: #0d1117 }
}
</style>
`

// picture is the whole, under its title, with what it shows in words for those who do not see it.
func (c *canvas) picture(title, words string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img" aria-labelledby="title words">`+"\n",
		Width, c.height+margin, Width, c.height+margin)
	fmt.Fprintf(&out, "<title id=\"title\">%s</title>\n<desc id=\"words\">%s</desc>\n", escape(title), escape(words))
	out.WriteString(style)
	out.WriteString(`<rect class="page" width="100%" height="100%"/>` + "\n")
	out.Write(c.body.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (c *canvas) title(text string) {
	c.height += margin + titleSize
	c.text(margin, c.height-3, "title", "start", text)
	c.height += 8
}

func (c *canvas) text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(&c.body, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, escape(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&c.body, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder takes everything
	return out.String()
}

// classOf marks what is ours.
func classOf(class string, ours bool) string {
	if ours {
		return class + " ours"
	}
	return class
}

// figure writes a value with its unit; format is as for fmt, and %.2f if it is empty.
func figure(value float64, format, unit string) string {
	if format == "" {
		format = "%.2f"
	}
	return strings.TrimSpace(fmt.Sprintf(format, value) + " " + unit)
}
