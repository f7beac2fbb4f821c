package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Line is measurements of one thing at growing magnitudes.
type Line struct {
	Name   string
	X, Y   []float64 // of the same length; figures above 0
	Ours   bool
	Dashed bool
}

// Growth is lines over one another, both axes logarithmic: what grows as its magnitude does is a
// line of 45 degrees.
type Growth struct {
	Title, Unit string // of what stands upwards
	Across      string // what grows
	Format      string // of figures; %.2f if it is empty
	Lines       []Line
}

const (
	plotLeft   = 64.0
	plotRight  = Width - 296.0 // room for the lines' names
	plotHeight = 220.0
)

// Lines draws graphs below each other. Points that are not above 0 are left out.
func Lines(title string, graphs ...Growth) []byte {
	c := &canvas{}
	c.title(title)
	var words []string
	for _, g := range graphs {
		g.draw(c)
		words = append(words, g.words())
	}
	return c.picture(title, strings.Join(words, " "))
}

// axis maps figures to places.
type axis struct{ low, high, from, to float64 }

func (a axis) at(value float64) float64 {
	return a.from + (a.to-a.from)*(math.Log10(value)-a.low)/(a.high-a.low)
}

// powers are those of ten that lie on the axis.
func (a axis) powers() []float64 {
	var all []float64
	for e := math.Ceil(a.low); e <= a.high; e++ {
		all = append(all, math.Pow(10, e))
	}
	return all
}

func newAxis(values []float64, from, to float64) axis {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v <= 0 })
	if len(values) == 0 {
		return axis{0, 1, from, to}
	}
	low, high := math.Log10(slices.Min(values)), math.Log10(slices.Max(values))
	if high-low < 0.1 {
		low, high = low-0.5, high+0.5
	}
	return axis{low - 0.08*(high-low), high + 0.08*(high-low), from, to}
}

func (g Growth) draw(c *canvas) {
	c.height += lineHeight
	c.text(margin, c.height-6, "note", "start", g.Title)
	top := c.height + 4
	bottom := top + plotHeight
	var xs, ys []float64
	for _, l := range g.Lines {
		xs, ys = append(xs, l.X...), append(ys, l.Y...)
	}
	across, up := newAxis(xs, plotLeft, plotRight), newAxis(ys, bottom, top)
	for _, value := range up.powers() {
		c.line(plotLeft, up.at(value), plotRight, up.at(value), "rule")
		c.text(plotLeft-8, up.at(value)+4, "tick", "end", fmt.Sprintf("%g", value))
	}
	slices.Sort(xs)
	for _, x := range slices.Compact(xs) {
		c.text(across.at(x), bottom+16, "tick", "middle", fmt.Sprintf("%g", x))
	}
	c.line(plotLeft, bottom, plotRight, bottom, "rule")
	for _, l := range g.Lines {
		l.draw(c, across, up)
	}
	g.names(c, up, top, bottom)
	c.height = bottom + 44
	c.text((plotLeft+plotRight)/2, c.height-10, "note", "middle", g.Across)
}

func (l Line) draw(c *canvas, across, up axis) {
	var points []string
	for i, x := range l.X {
		if x > 0 && l.Y[i] > 0 {
			points = append(points, fmt.Sprintf("%.1f,%.1f", across.at(x), up.at(l.Y[i])))
		}
	}
	dash := ""
	if l.Dashed {
		dash = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(&c.body, `<polyline points="%s" class="%s"%s/>`+"\n", strings.Join(points, " "), classOf("line", l.Ours), dash)
	for _, p := range points {
		x, y, _ := strings.Cut(p, ",")
		fmt.Fprintf(&c.body, `<circle cx="%s" cy="%s" r="3.5" class="%s"/>`+"\n", x, y, classOf("dot", l.Ours))
	}
}

// names puts each line's name and last figure at its end, moved apart where ends lie close.
func (g Growth) names(c *canvas, up axis, top, bottom float64) {
	type name struct {
		y, end float64
		line   Line
	}
	var names []name
	for _, l := range g.Lines {
		if n := len(l.Y); n > 0 && l.Y[n-1] > 0 {
			names = append(names, name{up.at(l.Y[n-1]), up.at(l.Y[n-1]), l})
		}
	}
	slices.SortStableFunc(names, func(a, b name) int { return int(a.y*10) - int(b.y*10) })
	const apart = 17
	for i := range names {
		least := top
		if i > 0 {
			least = names[i-1].y + apart
		}
		names[i].y = max(names[i].y, least)
	}
	if n := len(names); n > 0 && names[n-1].y > bottom {
		names[n-1].y = bottom
		for i := n - 2; i >= 0; i-- {
			names[i].y = min(names[i].y, names[i+1].y-apart)
		}
	}
	for _, n := range names {
		c.line(plotRight-8, n.end, plotRight+8, n.y, "rule")
		figure := g.figure(n.line.Y[len(n.line.Y)-1])
		c.text(plotRight+12, n.y+4, classOf("name", n.line.Ours), "start", n.line.Name+" "+figure)
	}
}

func (g Growth) figure(value float64) string { return figure(value, g.Format, g.Unit) }

func (g Growth) words() string {
	var parts []string
	for _, l := range g.Lines {
		var figures []string
		for i, x := range l.X {
			figures = append(figures, fmt.Sprintf("%s at %g", g.figure(l.Y[i]), x))
		}
		parts = append(parts, l.Name+" "+strings.Join(figures, ", "))
	}
	return g.Title + " over " + g.Across + ": " + strings.Join(parts, "; ") + "."
}
