package registry

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// PlannedManifest is a manifest that a plan puts into a repository of the target.
type PlannedManifest struct {
	Manifest
	// Reference is a tag or a digest.
	Reference string
	// Attached says that this is the head of something attached to the artifact.
	Attached bool
}

// Manifests are what Copy would put for the artifact, in that order: everything before
// what names it, the artifact's own tag last. It is empty where there is nothing to do.
func (a *PlannedArtifact) Manifests() []PlannedManifest {
	attached := map[string]bool{}
	for _, reference := range a.Attachments {
		attached[reference] = true
	}
	all := make([]PlannedManifest, len(a.nodes))
	for i, n := range a.nodes {
		digest := n.manifest.Descriptor.Digest.String()
		all[i] = PlannedManifest{
			Manifest:  n.manifest,
			Reference: n.reference,
			Attached:  digest != a.Digest && attached[a.Target.Host+"/"+a.Target.Repository+"@"+digest],
		}
	}
	return all
}

// Descriptor is the blob's descriptor as the first manifest that names it has it.
func (b *PlannedBlob) Descriptor() v1.Descriptor { return b.descriptor }

// Open opens the bytes of the blob from from up to to, in the first of the source's
// repositories that has it. Where the source serves no ranges, and to is not the end,
// the body goes on to the end and ranged is false. Otherwise the rules of Source.Blob hold.
func (b *PlannedBlob) Open(ctx context.Context, from, to int64) (body io.ReadCloser, ranged bool, err error) {
	var errs []error
	for _, p := range b.places {
		if source, ok := p.source.(ranger); ok && to < b.Size {
			body, ranged, err = source.BlobRange(ctx, p.repository, b.descriptor, from, to)
		} else {
			body, err = p.source.Blob(ctx, p.repository, b.descriptor, from)
		}
		if err == nil || !errors.Is(err, ErrNotFound) {
			return body, ranged, err
		}
		errs = append(errs, err)
	}
	return nil, false, errors.Join(errs...)
}
