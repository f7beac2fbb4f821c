package lock

import (
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Plan is a lock that is Planned: of what a copy would put at the target, and of what it would
// find there, each with what the target's tag holds now. Its blobs are those of what has to move.
// Path is the folder of the registry that takes the place of the products' own; empty where these
// are kept.
func Plan(planned *plan.Plan, catalogue *versions.Catalogue, path string) (*Lock, error) {
	var content Content
	g := newGatherer(&content, catalogue)
	for _, a := range planned.Artifacts {
		if err := g.add(a); err != nil {
			return nil, err
		}
		if a.TargetDigest == "" {
			continue
		}
		held, err := v1.NewHash(a.TargetDigest)
		if err != nil {
			return nil, err
		}
		content.Artifacts[len(content.Artifacts)-1].Held = &held
	}
	l := &Lock{Schema: Schema, Planned: true, Artifacts: content.Artifacts, Attachments: content.Attachments}
	for _, b := range planned.Blobs {
		l.Blobs = append(l.Blobs, Blob{Digest: b.Descriptor.Digest, Size: b.Size, Repositories: slices.Clone(b.Repositories)})
	}
	l.rest(path)
	l.sort()
	return l, l.check()
}

// Reviewed are the pins of a lock that is Planned: nothing else may come of it.
func (a Artifact) Reviewed() plan.Pin {
	pin := plan.Pin{Digest: a.Digest.String(), MediaType: string(a.MediaType), Reviewed: true}
	if a.Held != nil {
		pin.Held = a.Held.String()
	}
	for _, digest := range a.Attachments {
		pin.Attached = append(pin.Attached, digest.String())
	}
	return pin
}
