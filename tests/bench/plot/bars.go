package plot

import (
	"fmt"
	"strings"
)

// Bar is one measurement.
type Bar struct {
	Name  string
	Value float64
	Ours  bool // drawn so that it stands out
}

// Panel is bars of one unit below each other. What is shorter is better.
type Panel struct {
	Title string
	Unit  string // behind each figure
	// Format is how figures are written, as for fmt; %.2f if it is empty.
	Format string
	Bars   []Bar
	// Limit is where none can get below, and LimitName what that is; 0 is no limit.
	Limit     float64
	LimitName string
}

// Bars draws panels below each other. Without panels the picture is its title.
func Bars(title string, panels ...Panel) []byte {
	c := &canvas{}
	c.title(title)
	var words []string
	for _, p := range panels {
		p.draw(c)
		words = append(words, p.words())
	}
	return c.picture(title, strings.Join(words, " "))
}

const (
	namesEnd  = 236
	figureEnd = Width - margin - 90 // room for the longest bar's figure
)

func (p Panel) draw(c *canvas) {
	c.height += lineHeight
	c.text(margin, c.height-6, "note", "start", p.Title)
	longest := p.longest()
	scale := func(value float64) float64 { return namesEnd + (figureEnd-namesEnd)*value/longest }
	top := c.height
	for _, bar := range p.Bars {
		middle := c.height + lineHeight/2
		c.text(namesEnd-8, middle+4, classOf("name", bar.Ours), "end", bar.Name)
		fmt.Fprintf(&c.body, `<rect x="%d" y="%.1f" width="%.1f" height="14" rx="2" class="%s"/>`+"\n",
			namesEnd, middle-7, max(1, scale(bar.Value)-namesEnd), classOf("bar", bar.Ours))
		c.text(max(namesEnd+1, scale(bar.Value))+6, middle+4, classOf("figure", bar.Ours), "start", p.figure(bar.Value))
		c.height += lineHeight
	}
	if p.Limit > 0 {
		c.line(scale(p.Limit), top, scale(p.Limit), c.height+4, "limit")
		c.height += lineHeight
		c.text(scale(p.Limit), c.height-6, "note", anchorAt(scale(p.Limit)), p.LimitName+" "+p.figure(p.Limit))
	}
}

// anchorAt keeps a word below a line in the picture.
func anchorAt(x float64) string {
	if x < Width/2 {
		return "start"
	}
	return "end"
}

func (p Panel) longest() float64 {
	longest := p.Limit
	for _, bar := range p.Bars {
		longest = max(longest, bar.Value)
	}
	if longest == 0 {
		return 1
	}
	return longest
}

func (p Panel) figure(value float64) string { return figure(value, p.Format, p.Unit) }

func (p Panel) words() string {
	var parts []string
	for _, bar := range p.Bars {
		parts = append(parts, bar.Name+" "+p.figure(bar.Value))
	}
	if p.Limit > 0 {
		parts = append(parts, p.LimitName+" "+p.figure(p.Limit))
	}
	return p.Title + ": " + strings.Join(parts, ", ") + "."
}
