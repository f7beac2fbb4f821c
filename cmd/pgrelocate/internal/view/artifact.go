package view

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// artifactView is an artifact in every result that lists artifacts.
type artifactView struct {
	Product string `json:"product"`
	Release string `json:"release"`
	// Role is chart, operator, instance or extra.
	Role string `json:"role"`
	// Extra names the image where Role is extra.
	Extra string `json:"extra,omitempty"`
	// Versions are the PostgreSQL versions that the image serves.
	Versions []string `json:"versions,omitempty"`
	Edition  string   `json:"edition,omitempty"`
	// Source and Target are full references.
	Source string `json:"source"`
	Target string `json:"target"`
}

func newArtifactView(a versions.Artifact) artifactView {
	view := artifactView{
		Product: a.Product, Release: a.Release, Role: string(a.Role), Extra: a.Extra, Edition: string(a.Edition),
		Source: a.Source.String(), Target: a.Target.String(),
	}
	for _, v := range a.Versions {
		view.Versions = append(view.Versions, v.String())
	}
	return view
}

// plannedView is an artifact with what is known of it at both sides.
type plannedView struct {
	artifactView
	// State is new, present, update, attach, damaged, skip or failed.
	State string `json:"state"`
	// Digest and MediaType are those of the source's manifest; TargetDigest is what the
	// target's tag held when the plan was made.
	Digest       string `json:"digest,omitempty"`
	MediaType    string `json:"mediaType,omitempty"`
	TargetDigest string `json:"targetDigest,omitempty"`
	// Size is the bytes of the artifact's distinct blobs; 0 in the account of a copy where it was
	// present, for then nobody has asked.
	Size int64 `json:"size"`
	// Missing are the digests of what the target lacks of a damaged artifact.
	Missing []string `json:"missing,omitempty"`
	// Attachments are the digests of what travels with the image.
	Attachments []string `json:"attachments,omitempty"`
	// Error and Hint are set where something went wrong.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func newPlannedView(a *plan.Artifact) plannedView {
	return plannedView{
		artifactView: newArtifactView(a.Artifact),
		State:        string(a.State),
		Digest:       a.Digest,
		MediaType:    a.MediaType,
		TargetDigest: a.TargetDigest,
		Size:         a.Size,
		Missing:      a.Missing,
		Attachments:  a.Attachments,
	}
}

// setError says what went wrong; nil is nothing.
func (v *plannedView) setError(err error) {
	if err != nil {
		v.Error, v.Hint = err.Error(), advice.For(err)
	}
}
