package overviews

import (
	"fmt"
	"io"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/comparing"
	"github.com/pgrelocate/pgrelocate/internal/registry/contrast"
)

// Comparison is the result of `pgrelocate diff`.
type Comparison struct {
	output.Header
	// First and Second are what was compared, as it was named.
	First  string `json:"first"`
	Second string `json:"second"`
	// Differ says that there are differences.
	Differ bool `json:"differ"`
	// Same are the artifacts of which both sides say the same, and ByName those of them that one side
	// knows by their name only.
	Same   int `json:"same"`
	ByName int `json:"byName"`
	// Unused are those that the cluster does not refer to, which is no difference.
	Unused int `json:"unused"`
	// Differences are sorted by the artifacts' names.
	Differences []differenceView `json:"differences"`
	// width is that of the terminal; 0 is none.
	width int
}

// differenceView is an artifact in which the sides differ.
type differenceView struct {
	// Name is the artifact's repository, below the folder that a user may replace, with its tag.
	Name string `json:"name"`
	// Kind is "only in the first", "only in the second", "other content" or "other attachments".
	Kind   string    `json:"kind"`
	First  *sideView `json:"first,omitempty"`
	Second *sideView `json:"second,omitempty"`
}

// sideView is what a side has.
type sideView struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest,omitempty"`
	// Attachments are the digests of what is attached to it, where both sides say that.
	Attachments []string `json:"attachments,omitempty"`
	// UsedBy is who refers to it in a cluster.
	UsedBy string `json:"usedBy,omitempty"`
}

// NewComparison shows in what two sides differ.
func NewComparison(r *comparing.Result) Comparison {
	made := Comparison{
		Header: output.NewHeader("Comparison"), First: r.First, Second: r.Second, Differ: len(r.Differences) > 0,
		Same: r.Same, ByName: r.ByName, Unused: r.Unused, Differences: []differenceView{},
	}
	for _, d := range r.Differences {
		made.Differences = append(made.Differences, differenceView{d.Name, string(d.Kind), newSide(d.First), newSide(d.Second)})
	}
	return made
}

func newSide(item contrast.Item) *sideView {
	if item.Key == "" {
		return nil
	}
	return &sideView{Ref: item.Ref, Digest: item.Digest, Attachments: item.Attached, UsedBy: item.By}
}

// WriteTable writes a line for each difference, and what is the same.
func (v Comparison) WriteTable(w io.Writer) error {
	if len(v.Differences) > 0 {
		grid := v.grid(true)
		if !grid.Fits() {
			grid = v.grid(false)
		}
		if _, err := grid.WriteTo(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s, %d the same%s\n", output.Count(len(v.Differences), "difference"), v.Same, v.beside())
	return err
}

// grid is the table, with what the sides have, which the kind of a difference tells as well, or without. Who uses
// something is left out where nobody does.
func (v Comparison) grid(contents bool) *output.Grid {
	titles := []string{"ARTIFACT", "DIFFERENCE", "FIRST", "SECOND", "USED BY"}
	if !contents {
		titles = slices.Delete(titles, 2, 4)
	}
	grid := output.NewGrid(titles...).Fit(v.width)
	if !slices.ContainsFunc(v.Differences, func(d differenceView) bool { return d.usedBy() != "" }) {
		grid.Fit(v.width, len(titles)-1)
	}
	for _, d := range v.Differences {
		cells := []any{d.Name, d.Kind, d.First.content(), d.Second.content(), d.usedBy()}
		if !contents {
			cells = slices.Delete(cells, 2, 4)
		}
		grid.Row(cells...)
	}
	return grid
}

// usedBy is who refers to it in a cluster, whichever side that is.
func (d differenceView) usedBy() string {
	by := ""
	for _, side := range []*sideView{d.First, d.Second} {
		if side != nil && side.UsedBy != "" {
			by = side.UsedBy
		}
	}
	return by
}

// Fit implements view.Fitting.
func (v Comparison) Fit(width int) output.View {
	v.width = width
	return v
}

// beside is what has to be known of what is the same.
func (v Comparison) beside() string {
	text := ""
	if v.ByName > 0 {
		text += fmt.Sprintf(", %d of them by name only", v.ByName)
	}
	if v.Unused > 0 {
		text += fmt.Sprintf(", %d not used by the cluster", v.Unused)
	}
	return text
}

func (s *sideView) content() string {
	switch {
	case s == nil:
		return "-"
	case s.Digest == "":
		return "(by name)"
	default:
		return view.ShortDigest(s.Digest)
	}
}
