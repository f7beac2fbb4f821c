package bundle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// home is a manifest with the artifact or attachment that it belongs to.
type home struct {
	digest v1.Hash
	of     lock.Attachment
}

// lockReferrers adds what has no name but a subject that is there, and notes what has neither, and is no
// part of anything that has.
func (b *Bundle) lockReferrers(ctx context.Context, found *lock.Content, unnamed []v1.Descriptor) error {
	waiting, err := b.bySubject(ctx, unnamed)
	if err != nil {
		return err
	}
	astray := map[v1.Hash]bool{}
	for _, d := range unnamed {
		astray[d.Digest] = true
	}
	homes := b.homesIn(found)
	for i := 0; i < len(homes); i++ { // referrers have referrers
		h := homes[i]
		delete(astray, h.digest)
		for _, d := range waiting[h.digest] {
			if err := b.readManifest(ctx, d); err != nil {
				return err
			}
			of := h.of
			of.Source.Tag, of.Source.Digest = "", d.Digest.String()
			of.Target.Tag, of.Target.Digest = "", d.Digest.String()
			of.Digest, of.MediaType, of.Size = d.Digest, d.MediaType, d.Size
			found.Attachments = append(found.Attachments, of)
			homes = append(homes, home{d.Digest, of})
		}
		delete(waiting, h.digest)
	}
	for _, d := range unnamed {
		if astray[d.Digest] {
			b.astray = append(b.astray, calledIn(d))
			delete(astray, d.Digest)
		}
	}
	return nil
}

// Astray is what another tool has put into the bundle, and belongs to nothing in it of which is known where
// it comes from: it cannot be loaded. Each is named as there, or by its digest.
func (b *Bundle) Astray() []string { return slices.Clone(b.astray) }

// calledIn is what an index calls something.
func calledIn(d v1.Descriptor) string {
	return cmp.Or(d.Annotations[imagelayout.ContainerdName], d.Annotations[imagelayout.RefName], d.Digest.String())
}

// bySubject reads each of the manifests once, and sorts those that have a subject by it.
func (b *Bundle) bySubject(ctx context.Context, unnamed []v1.Descriptor) (map[v1.Hash][]v1.Descriptor, error) {
	waiting := make(map[v1.Hash][]v1.Descriptor)
	seen := make(map[v1.Hash]bool)
	read := int64(0)
	for _, d := range unnamed {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		if read += d.Size; read > maxManifests {
			return nil, fmt.Errorf("manifests of more than %d bytes", maxManifests)
		}
		m, err := b.load(d)
		if err != nil {
			return nil, err
		}
		l, err := oci.Parse(m)
		if err != nil || l.Subject == nil {
			continue
		}
		waiting[l.Subject.Digest] = append(waiting[l.Subject.Digest], d)
	}
	return waiting, nil
}

// homesIn lists every manifest of what was found, once: the nearest artifact that leads to it has
// it. Indexes may share children and name one many times: none is gone into twice.
func (b *Bundle) homesIn(found *lock.Content) []home {
	var all []home
	seen := make(map[v1.Hash]bool)
	add := func(digest v1.Hash, of lock.Attachment) {
		if !seen[digest] {
			seen[digest] = true
			all = append(all, home{digest, of})
		}
	}
	for _, a := range found.Artifacts {
		add(a.Digest, lock.Attachment{Source: a.Source, Target: a.Target, Base: a.Base})
	}
	for i := 0; i < len(all); i++ {
		for _, child := range b.manifests[all[i].digest].links.Manifests {
			add(child.Digest, all[i].of)
		}
	}
	for _, a := range found.Attachments {
		add(a.Digest, a)
	}
	return all
}
