package output

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// Grid is a table of text with aligned columns, two spaces apart. The zero value has no
// columns; rows may be shorter than the header.
type Grid struct {
	header []string
	rows   [][]string
	right  map[int]bool
	width  int
	spare  []int
}

// NewGrid returns a grid with the column titles; none means no header line.
func NewGrid(titles ...string) *Grid { return &Grid{header: titles} }

// Right aligns the columns, counted from 0, to the right: figures.
func (g *Grid) Right(columns ...int) *Grid {
	if g.right == nil {
		g.right = map[int]bool{}
	}
	for _, c := range columns {
		g.right[c] = true
	}
	return g
}

// Fit leaves out as few of the spare columns, counted from 0, as it takes for lines of width characters at
// most, the first one first; 0 is no limit.
func (g *Grid) Fit(width int, spare ...int) *Grid {
	g.width, g.spare = width, spare
	return g
}

// Fits tells whether the grid's lines are no wider than Fit wants them, with or without its spare columns.
func (g *Grid) Fits() bool {
	widths := g.widths()
	g.leaveOut(widths)
	return g.width <= 0 || total(widths) <= g.width
}

// Row adds a row. Cells are written with fmt.Sprint, in one line; an empty one becomes
// "-", so that every row has as many fields as the header and can be cut with awk.
func (g *Grid) Row(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		if row[i] = oneLine.Replace(terminal.Plain(fmt.Sprint(cell))); row[i] == "" {
			row[i] = "-"
		}
	}
	g.rows = append(g.rows, row)
}

var oneLine = strings.NewReplacer("\n", " ", "\t", " ")

// WriteTo writes the grid, one line a row, without spaces at the ends of lines.
func (g *Grid) WriteTo(w io.Writer) (int64, error) {
	widths := g.widths()
	g.leaveOut(widths)
	var text strings.Builder
	for _, cells := range g.lines() {
		text.WriteString(g.line(cells, widths))
		text.WriteByte('\n')
	}
	n, err := io.WriteString(w, text.String())
	return int64(n), err
}

// leaveOut makes columns that the grid can spare as wide as nothing, until the others fit.
func (g *Grid) leaveOut(widths []int) {
	for _, column := range g.spare {
		if g.width <= 0 || total(widths) <= g.width {
			return
		}
		widths[column] = 0
	}
}

// total is how wide lines of such columns are.
func total(widths []int) int {
	sum := -2
	for _, width := range widths {
		if width > 0 {
			sum += width + 2
		}
	}
	return sum
}

// lines are the rows below the header.
func (g *Grid) lines() [][]string {
	if len(g.header) == 0 {
		return g.rows
	}
	return append([][]string{g.header}, g.rows...)
}

func (g *Grid) line(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		if widths[i] == 0 { // left out: no cell is empty
			continue
		}
		if line.Len() > 0 {
			line.WriteString("  ")
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if g.right[i] {
			cell, pad = pad, cell
		}
		line.WriteString(cell)
		line.WriteString(pad)
	}
	return strings.TrimRight(line.String(), " ")
}

func (g *Grid) widths() []int {
	var widths []int
	for _, cells := range g.lines() {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}
