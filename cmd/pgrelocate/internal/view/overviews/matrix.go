package overviews

import (
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Matrix is the result of `pgrelocate versions`.
type Matrix struct {
	output.Header
	view.OfRun
	Product string `json:"product"`
	Title   string `json:"title"`
	// Releases are all that the catalogue knows of the product, newest first.
	Releases []string `json:"releases"`
	// Artifacts are those that are selected.
	Artifacts []matrixRow `json:"artifacts"`
	// traffic is for reports; nil where nobody has counted.
	traffic *registry.Counts
	// width is that of the terminal; 0 is none.
	width int
}

type matrixRow struct {
	view.Artifact
	// Mirrored says whether the private registry has the tag; absent without --registry.
	Mirrored *bool `json:"mirrored,omitempty"`
	// Missing are the digests of what the registry lacks of an artifact whose tag it has;
	// only a check finds them.
	Missing []string `json:"missing,omitempty"`
	// Error is what else is wrong with it: another digest than it should have, or no answer.
	Error string `json:"error,omitempty"`
	// Bundled says whether the bundle has it; absent without --bundle.
	Bundled *bool `json:"bundled,omitempty"`
	// Digest is what the tag holds in the registry.
	Digest string `json:"digest,omitempty"`

	unknown bool // the registry gave no answer
}

// Counted is the result of a run with what went over the wire to the private registry.
func (v Matrix) Counted(target registry.Counts) Matrix {
	v.traffic = &target
	return v
}

// NewMatrix shows what there is, and what is known of it.
func NewMatrix(m *inventory.Matrix) Matrix {
	made := Matrix{
		Header:  output.NewHeader("Matrix"),
		Product: m.Product.Name, Title: m.Product.Title,
		Artifacts: make([]matrixRow, len(m.Artifacts)),
	}
	for _, release := range m.Product.Releases {
		made.Releases = append(made.Releases, release.Name)
	}
	for i, artifact := range m.Artifacts {
		row := matrixRow{Artifact: view.NewArtifact(artifact)}
		if m.Mirrored != nil {
			row.held(m.Mirrored[i])
		}
		if m.Bundled != nil {
			row.Bundled = &m.Bundled[i]
		}
		made.Artifacts[i] = row
	}
	return made
}

// held says what the private registry holds of the artifact.
func (r *matrixRow) held(a holdings.Answer) {
	there := a.Presence == holdings.Present || a.Presence == holdings.Damaged
	r.Mirrored, r.Missing = &there, a.Lacks
	if a.Held.Digest.Hex != "" {
		r.Digest = a.Held.Digest.String()
	}
	if r.unknown = a.Presence == holdings.Unknown; r.unknown || a.Presence == holdings.Differs {
		r.Error = a.Error()
	}
}

// mirrored is a cell of the table.
func (r matrixRow) mirrored() string {
	switch {
	case len(r.Missing) > 0:
		return "damaged"
	case r.unknown:
		return "unknown"
	case r.Error != "":
		return "wrong"
	}
	return view.YesNo(*r.Mirrored)
}

// Shows tells whether an artifact of the release is listed.
func (v Matrix) Shows(release string) bool {
	for _, row := range v.Artifacts {
		if row.Release == release {
			return true
		}
	}
	return false
}

// WriteTable writes a line for each artifact.
func (v Matrix) WriteTable(w io.Writer) error {
	titles := []string{"RELEASE", "KIND", "POSTGRESQL", "EDITION", "ARTIFACT"}
	asked := len(v.Artifacts) > 0 && v.Artifacts[0].Mirrored != nil
	if asked {
		titles = append(titles, "MIRRORED")
	}
	opened := len(v.Artifacts) > 0 && v.Artifacts[0].Bundled != nil
	if opened {
		titles = append(titles, "BUNDLED")
	}
	targets := make([]string, len(v.Artifacts))
	for i, row := range v.Artifacts {
		targets[i] = row.Target
	}
	common := ref.Common(targets)
	const release, edition = 0, 3 // the tags tell both
	grid := output.NewGrid(titles...).Fit(v.width, edition, release)
	for _, row := range v.Artifacts {
		cells := []any{row.Release, row.Role, strings.Join(row.Versions, ","), row.Edition, output.Within(common, row.Target)}
		if asked {
			cells = append(cells, row.mirrored())
		}
		if opened {
			cells = append(cells, view.YesNo(*row.Bundled))
		}
		grid.Row(cells...)
	}
	_, err := grid.WriteTo(w)
	return err
}

// Fit implements view.Fitting.
func (v Matrix) Fit(width int) output.View {
	v.width = width
	return v
}

// Of implements view.Run.
func (v Matrix) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}

// Account is what the private registry holds.
func (v Matrix) Account() report.Account {
	account := report.Account{Results: []string{"present", "missing", "damaged", "wrong", "unknown"}, Target: v.traffic}
	for _, row := range v.Artifacts {
		if row.Mirrored == nil {
			continue
		}
		item := report.Item{Kind: view.ArtifactKind, Name: row.Target, Source: row.Source, Digest: row.Digest, Result: "present", Reason: row.Error}
		switch {
		case len(row.Missing) > 0:
			item.Result, item.Reason = "damaged", "it lacks "+strings.Join(row.Missing, ", ")
		case row.unknown:
			item.Result = "unknown"
		case row.Error != "":
			item.Result = "wrong"
		case !*row.Mirrored:
			item.Result, item.Reason = "missing", "it is not there"
		}
		item.Bad = item.Result != "present"
		account.Items = append(account.Items, item)
	}
	return account
}
