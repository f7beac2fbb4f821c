package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
)

// mirror is a view as the page lays it out.
type mirror struct {
	overviews.Mirror
	States []counted
	// Wrong are the artifacts that somebody has to look at.
	Wrong []overviews.MirrorArtifact
	Cards []card
	// Total is how many artifacts were looked for.
	Total int
}

// counted is a word with how many artifacts it is said of.
type counted struct {
	Name  string
	Count int
}

// card is a release as a grid: a line for each version, a column for each edition, and below that what
// stands beside the instances.
type card struct {
	overviews.MirrorRelease
	ID, Title string
	States    []counted
	Columns   []string
	Rows      []row
	Beside    []line
}

// Wide tells whether the grid needs more than the room of an ordinary one.
func (c card) Wide() bool { return len(c.Columns) > 3 }

// Span is how many columns there are besides the first.
func (c card) Span() int { return max(1, len(c.Columns)) }

// row is a version, with a cell for each column; nil where there is no such image.
type row struct {
	Version string
	Cells   [][]overviews.MirrorArtifact
}

// line is an artifact that belongs to no version.
type line struct {
	Name string
	Cell overviews.MirrorArtifact
}

func newMirror(m overviews.Mirror) mirror {
	made := mirror{Mirror: m, States: statesOf(m.Counts)}
	for i, r := range m.Releases {
		made.Cards = append(made.Cards, newCard(m, r, i))
		for _, a := range r.Artifacts {
			made.Total++
			if a.State != "mirrored" && a.State != "not mirrored" || a.UsedBy != "" && a.State != "mirrored" {
				made.Wrong = append(made.Wrong, a)
			}
		}
	}
	return made
}

// statesOf are all that can be, and how often each is.
func statesOf(counts map[string]int) []counted {
	var all []counted
	for _, name := range overviews.MirrorStates() {
		if name != "unknown" || counts[name] > 0 {
			all = append(all, counted{name, counts[name]})
		}
	}
	return all
}

func newCard(m overviews.Mirror, r overviews.MirrorRelease, i int) card {
	c := card{MirrorRelease: r, ID: fmt.Sprintf("release-%d", i+1), Title: r.Release}
	if r.Product != m.Product {
		c.Title = r.Product + " " + r.Release
	}
	for _, s := range statesOf(r.Counts) {
		if s.Count > 0 {
			c.States = append(c.States, s)
		}
	}
	for _, a := range r.Artifacts {
		if len(a.Versions) == 0 || a.Role != "instance" {
			c.Beside = append(c.Beside, line{nameOf(a), a})
			continue
		}
		if column := columnOf(a); !slices.Contains(c.Columns, column) {
			c.Columns = append(c.Columns, column)
		}
	}
	for _, a := range r.Artifacts {
		if len(a.Versions) > 0 && a.Role == "instance" {
			c.put(a)
		}
	}
	return c
}

// put puts an instance where it belongs in the grid.
func (c *card) put(a overviews.MirrorArtifact) {
	version := strings.Join(a.Versions, ", ")
	at := slices.IndexFunc(c.Rows, func(r row) bool { return r.Version == version })
	if at < 0 {
		at = len(c.Rows)
		c.Rows = append(c.Rows, row{Version: version, Cells: make([][]overviews.MirrorArtifact, len(c.Columns))})
	}
	cell := &c.Rows[at].Cells[slices.Index(c.Columns, columnOf(a))]
	*cell = append(*cell, a)
}

// columnOf is what an image is besides its version.
func columnOf(a overviews.MirrorArtifact) string {
	words := []string{a.Name, a.Edition}
	for _, axis := range slices.Sorted(maps.Keys(a.Axes)) {
		if axis != "edition" {
			words = append(words, a.Axes[axis])
		}
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
	return cmp.Or(strings.Join(words, " "), "image")
}

// nameOf is what an artifact is called that belongs to no version.
func nameOf(a overviews.MirrorArtifact) string {
	name := strings.TrimSpace(a.Role + " " + cmp.Or(a.Extra, a.Name))
	switch a.Role {
	case "extra":
		name = a.Extra
	case "chart-image":
		name = a.Target[strings.LastIndex(a.Target, "/")+1:]
	}
	if len(a.Versions) > 0 {
		name += " for " + strings.Join(a.Versions, ", ")
	}
	return name
}

// Wanted counts what should be mirrored.
func (m mirror) Wanted() int { return m.Total - m.Counts["not mirrored"] }

// mostWrong is how many artifacts are listed above the grid, which has all.
const mostWrong = 25

// Listed are the first of those that are wrong, and Unlisted is how many more there are.
func (m mirror) Listed() []overviews.MirrorArtifact { return m.Wrong[:min(mostWrong, len(m.Wrong))] }

// Unlisted counts the others.
func (m mirror) Unlisted() int { return max(0, len(m.Wrong)-mostWrong) }

// Verdict says in one sentence how the mirror stands.
func (m mirror) Verdict() string {
	switch {
	case len(m.Wrong) > 0:
		return output.Count(len(m.Wrong), "artifact") + " to look at"
	case m.Counts["mirrored"] == 0:
		return "Nothing is mirrored"
	case m.Looked.Layers:
		return "All that is mirrored is whole"
	default:
		return "Nothing wrong was seen"
	}
}

// Shared is how much smaller the layers are than the artifacts one by one.
func (m mirror) Shared() int64 { return max(0, m.Sizes.Bytes-m.Sizes.Distinct) }

// Outcome is what a run says of itself.
func (m mirror) Outcome(r overviews.MirrorRun) string {
	switch {
	case r.ExitCode == nil:
		return "no end was told: killed, or goes on"
	case *r.ExitCode == 0:
		return "succeeded"
	default:
		return fmt.Sprintf("failed, exit code %d", *r.ExitCode)
	}
}

// Results are what became of a run's artifacts, those of which there are any.
func (m mirror) Results(r overviews.MirrorRun) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r.Results)) {
		if n := r.Results[name]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, name))
		}
	}
	return cmp.Or(strings.Join(all, ", "), "nothing")
}
