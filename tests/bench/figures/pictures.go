package figures

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pgrelocate/pgrelocate/tests/bench/plot"
)

// picturesFolder lies beside the page that shows them.
const picturesFolder = "plots"

// picture is a part of the report, drawn.
type picture struct {
	file, words string
	draw        func(r *Report) []byte
}

var (
	speedPicture  = picture{"speed.svg", "cold and warm copies: seconds, processor seconds, requests", (*Report).drawSpeed}
	growthPicture = picture{"growth.svg", "how seconds and memory grow with the number of artifacts", (*Report).drawGrowth}
)

// writePictures draws what was measured into the folder beside a page.
func (r *Report) writePictures(page string) error {
	dir := filepath.Join(filepath.Dir(page), picturesFolder)
	var errs []error
	write := func(p picture) {
		errs = append(errs, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, p.file), p.draw(r), 0o600))
	}
	if len(r.Speed) > 0 {
		write(speedPicture)
	}
	if len(r.Growth) > 0 {
		write(growthPicture)
	}
	return errors.Join(errs...)
}

// picture is the line of a page that shows one; tables printed elsewhere have none.
func (p *printer) picture(show picture) {
	if p.pictures {
		p.line("![%s](%s/%s)\n", show.words, picturesFolder, show.file)
	}
}

func (r *Report) drawSpeed() []byte {
	panel := func(title, unit, format string, value func(*SpeedRow) float64) plot.Panel {
		p := plot.Panel{Title: title, Unit: unit, Format: format}
		for _, row := range r.Speed {
			p.Bars = append(p.Bars, plot.Bar{Name: row.Tool, Value: value(row), Ours: row.Ours})
		}
		slices.SortStableFunc(p.Bars, func(a, b plot.Bar) int { return int(1e6 * (a.Value - b.Value)) })
		return p
	}
	cold := panel("cold copy, seconds", "s", "%.1f", func(s *SpeedRow) float64 { return s.cold(Wall) })
	cold.Limit, cold.LimitName = r.Family.ColdLimit, "the wire allows"
	return plot.Bars(fmt.Sprintf("Copying %d artifacts, %.1f GB", r.Family.Artifacts, float64(r.Family.Unique)/1e9), cold,
		panel("the same once more, nothing to move, seconds", "s", "", func(s *SpeedRow) float64 { return s.warm(Wall) }),
		panel("cold copy, processor seconds", "s", "%.1f", func(s *SpeedRow) float64 { return s.cold(CPU) }),
		panel("cold copy, requests at both registries", "", "%.0f", func(s *SpeedRow) float64 { return s.cold(sourceRequests) + s.cold(targetRequests) }),
	)
}

func (r *Report) drawGrowth() []byte {
	graph := func(title, unit, format string, value func(*SpeedRow) float64) plot.Growth {
		g := plot.Growth{Title: title, Unit: unit, Format: format, Across: "artifacts"}
		for _, row := range r.Growth[len(r.Growth)-1].Rows {
			g.Lines = append(g.Lines, r.line(row, value))
		}
		return g
	}
	return plot.Lines("How cost grows with what is copied",
		graph("cold copy, seconds", "s", "%.1f", func(s *SpeedRow) float64 { return s.cold(Wall) }),
		graph("the same once more, nothing to move, seconds", "s", "%.1f", func(s *SpeedRow) float64 { return s.warm(Wall) }),
		graph("memory of all processes at once, cold, MiB", "MiB", "%.0f", func(s *SpeedRow) float64 { return s.cold(together) }),
	)
}

// line is what a tool took at each step.
func (r *Report) line(of *SpeedRow, value func(*SpeedRow) float64) plot.Line {
	l := plot.Line{Name: of.Tool, Ours: of.Ours, Dashed: of.Bare}
	for _, step := range r.Growth {
		for _, row := range step.Rows {
			if row.Tool == of.Tool {
				l.X, l.Y = append(l.X, float64(step.Artifacts)), append(l.Y, value(row))
			}
		}
	}
	return l
}
