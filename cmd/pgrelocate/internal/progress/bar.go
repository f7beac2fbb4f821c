package progress

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// bar draws a snapshot as one line of a terminal. The drawing is progressbar's; where
// and when it appears is ours: it would write to any stream, terminal or not.
type bar struct {
	drawing *progressbar.ProgressBar
	total   int64
	cells   int
}

// The width of the bar itself, and what stands beside it: " 100% [" and "] ".
const (
	fewestCells = 4
	mostCells   = 40
	frame       = len(" 100% [") + len("] ")
)

// line draws s for a terminal of that many columns. The last column stays free: some
// terminals wrap when it is written to.
func (b *bar) line(s snapshot, columns int) string {
	if s.bytesTotal == 0 {
		return clip(s.artifacts(), columns-1)
	}
	chosen, cells := chooseFlanks(s, columns)
	if cells < fewestCells {
		return clip(narrow(s), columns-1)
	}
	if b.drawing == nil || b.total != s.bytesTotal || b.cells != cells {
		b.draw(s, cells)
	}
	b.drawing.Describe(chosen.about)
	_ = b.drawing.Set64(s.bytes)
	return clip(strings.Trim(b.drawing.String(), "\r ")+" "+chosen.figures, columns-1)
}

// What figures usually take keeps the bar's width steady while they change theirs.
const (
	usualFigures = len("1023 MiB/1.6 GiB, 99.9 MiB/s, 59s left")
	usualAmounts = len("1023 MiB/1.6 GiB")
)

// flanks are what stands beside a bar: what it is about, and figures, with the room that is kept for them.
type flanks struct {
	about, figures string
	usual          int
}

// chooseFlanks chooses what stands beside the bar, and how many cells that leaves: how far each of several
// copies is goes before how fast they are.
func chooseFlanks(s snapshot, columns int) (chosen flanks, cells int) {
	choices := []flanks{{s.artifacts(), s.figures(), usualFigures}}
	if parts := s.each(); parts != "" {
		choices = append([]flanks{{parts, s.figures(), usualFigures}, {parts, s.amounts(), usualAmounts}}, choices...)
	}
	for _, chosen = range choices {
		cells = min(columns-1-frame-len(chosen.about)-max(len(chosen.figures), chosen.usual), mostCells)
		if cells >= fewestCells {
			break
		}
	}
	return chosen, cells
}

func (b *bar) draw(s snapshot, cells int) {
	b.total, b.cells = s.bytesTotal, cells
	b.drawing = progressbar.NewOptions64(s.bytesTotal,
		progressbar.OptionSetWriter(io.Discard),
		progressbar.OptionSetWidth(cells),
		progressbar.OptionSetTheme(progressbar.ThemeASCII),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
	)
}

// narrow is for terminals where a bar would be nothing but its frame.
func narrow(s snapshot) string {
	if s.artifacts() == "" {
		return fmt.Sprintf("%d%% %s", s.percent(), output.Bytes(s.bytes))
	}
	return fmt.Sprintf("%d%% %d/%d %s", s.percent(), s.done, s.wanted, output.Bytes(s.bytes))
}

// clip cuts text off at a width. Each character counts as one column.
func clip(text string, width int) string {
	if width < 0 {
		return ""
	}
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width])
}
