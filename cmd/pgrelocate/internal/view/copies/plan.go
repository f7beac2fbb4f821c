package copies

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Plan is the result of `pgrelocate plan`.
type Plan struct {
	output.Header
	// Registry is where the artifacts would go, HOST/PATH.
	Registry  string         `json:"registry"`
	Artifacts []view.Planned `json:"artifacts"`
	// Blobs are the distinct blobs of everything that is not present, largest first.
	Blobs []blobView `json:"blobs"`
	// BytesToMove are fetched and sent once each; BytesPresent are at the target already.
	BytesToMove  int64    `json:"bytesToMove"`
	BytesPresent int64    `json:"bytesPresent"`
	Warnings     []string `json:"warnings"`
	// Beyond are images that the charts run, or can run, and that are not selected.
	Beyond []string `json:"beyond"`
}

type blobView struct {
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	// Repositories are those of the target that need the blob, Present those of them that
	// hold it already.
	Repositories []string `json:"repositories"`
	Present      []string `json:"present,omitempty"`
	// Elsewhere is a repository that holds the blob and does not need it, where none of them does.
	Elsewhere string `json:"elsewhere,omitempty"`
}

// NewPlan shows what a copy to a registry would do.
func NewPlan(to ref.Folder, planned *copying.Planned) Plan {
	made := Plan{
		Header:       output.NewHeader("Plan"),
		Registry:     to.String(),
		Artifacts:    []view.Planned{},
		Blobs:        []blobView{},
		BytesToMove:  planned.BytesToMove,
		BytesPresent: planned.BytesPresent,
		Warnings:     append([]string{}, planned.Warnings...),
		Beyond:       append([]string{}, planned.Beyond...),
	}
	for _, a := range planned.Artifacts {
		row := view.NewPlanned(a)
		row.SetError(a.Err)
		made.Artifacts = append(made.Artifacts, row)
	}
	for _, b := range planned.Blobs {
		made.Blobs = append(made.Blobs, blobView{
			Digest: b.Digest, MediaType: b.MediaType, Size: b.Size, Repositories: b.Repositories, Present: b.Present, Elsewhere: b.Elsewhere,
		})
	}
	return made
}

// WriteTable writes a line for each artifact, and the sums.
func (v Plan) WriteTable(w io.Writer) error {
	targets := make([]string, len(v.Artifacts))
	for i, row := range v.Artifacts {
		targets[i] = row.Target
	}
	common := ref.Common(targets)
	grid := output.NewGrid("STATE", "SIZE", "ARTIFACT").Right(1)
	for _, row := range v.Artifacts {
		size := ""
		if row.Size > 0 {
			size = output.Bytes(row.Size)
		}
		grid.Row(row.State, size, output.Within(common, row.Target))
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s: %s\nto move: %s in %s; at the target already: %s\n%s%s",
		output.Count(len(v.Artifacts), "artifact"), v.states(),
		output.Bytes(v.BytesToMove), output.Count(v.blobsToMove(), "blob"), output.Bytes(v.BytesPresent),
		view.SignedLine(len(v.Artifacts), func(i int) *view.Checked { return v.Artifacts[i].Checked }), beyond(v.Beyond))
	return err
}

// beyond is a line on the images that are not selected; empty where there are none.
func beyond(images []string) string {
	if len(images) == 0 {
		return ""
	}
	return fmt.Sprintf("the chart runs more than is selected: %s\n--chart-images takes these along\n", strings.Join(images, ", "))
}

// states counts the artifacts: "21 new, 2 present".
func (v Plan) states() string {
	var counts []string
	for _, state := range []plan.State{
		plan.StateNew, plan.StateUpdate, plan.StateAttach, plan.StateDamaged, plan.StatePresent, plan.StateSkip, plan.StateFailed,
	} {
		n := 0
		for _, row := range v.Artifacts {
			if row.State == string(state) {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(counts, ", ")
}

// blobsToMove counts the blobs that the target does not hold anywhere.
func (v Plan) blobsToMove() int {
	n := 0
	for _, b := range v.Blobs {
		if len(b.Present) == 0 && b.Elsewhere == "" {
			n++
		}
	}
	return n
}
