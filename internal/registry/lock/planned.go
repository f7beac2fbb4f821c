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
		l.Blobs = append(l.Blobs, Blob{
			Digest: b.Descriptor.Digest, Size: b.Size, Repositories: slices.Clone(b.Repositories), Held: b.Home() != "",
		})
	}
	l.rest(path)
	l.sort()
	l.place(planned)
	return l, l.check()
}

// place says of each blob which of the sorted artifacts need it: whoever carries out a part of the
// plan has to know that without asking for manifests.
func (l *Lock) place(planned *plan.Plan) {
	places, blobs := map[string]int{}, map[v1.Hash]*Blob{}
	for i, a := range l.Artifacts {
		places[a.Target.String()+a.Source.String()] = i
	}
	for i := range l.Blobs {
		blobs[l.Blobs[i].Digest] = &l.Blobs[i]
	}
	for _, a := range planned.Artifacts {
		place := places[a.Target.String()+a.Source.String()]
		for _, m := range a.Manifests {
			for _, d := range m.Blobs {
				b := blobs[d.Digest]
				if last := len(b.Artifacts) - 1; last < 0 || b.Artifacts[last] != place {
					b.Artifacts = append(b.Artifacts, place)
				}
			}
		}
	}
	for _, b := range l.Blobs {
		slices.Sort(b.Artifacts)
	}
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
