package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unique"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// readAtOnce is how many manifests of one index are asked for at the same time; a client may bound them
// further.
const readAtOnce = 8

// read fetches the manifest that reference stands for at the artifact's source, with everything
// below it; the last of what it returns stands for reference itself. Of an index only what
// Options.Platforms wants is taken, where opts are not nil.
func (p *planner) read(ctx context.Context, a *Artifact, reference string, opts *Options) ([]Manifest, error) {
	top, err := a.Origin.manifest(ctx, reference)
	if err == nil && opts != nil {
		a.SourceDigest = top.Descriptor.Digest.String()
	}
	var (
		left    map[v1.Hash]bool
		claimed map[v1.Hash]v1.Platform
	)
	if err == nil && opts != nil {
		left = opts.absent(top)
		if len(opts.Platforms) > 0 {
			claimed = claims(top)
			top, left, err = a.Origin.narrow(ctx, top, *opts)
		}
		a.Sparse = len(left) > 0
	}
	if err != nil {
		return nil, err
	}
	var (
		all    []Manifest
		images []oci.Node // of which the index says for which platform they are
	)
	walk := oci.Walk{
		Fetch: func(ctx context.Context, child v1.Descriptor) (oci.Manifest, error) {
			switch {
			case left[child.Digest]:
				return oci.Manifest{}, oci.ErrSkip
			case child.MediaType == "":
				return a.Origin.manifest(ctx, child.Digest.String())
			}
			return a.Origin.manifest(ctx, child.Digest.String(), child.MediaType)
		},
		Missing: func(err error) bool { return errors.Is(err, registry.ErrNotFound) },
		AtOnce:  readAtOnce,
		Visit: func(n oci.Node) error {
			all = append(all, Manifest{Manifest: n.Manifest, Reference: n.Descriptor.Digest.String(), Blobs: p.movable(a, slices.Concat(n.Links.Needs(), n.Others))})
			if _, ok := claimed[n.Descriptor.Digest]; ok {
				images = append(images, n)
			}
			return nil
		},
		Bytes: a.manifestBytes,
	}
	if err := walk.From(ctx, top); err != nil {
		return nil, err
	}
	unlike := askAll(images, func(n oci.Node) error { return p.unlike(ctx, a, n, claimed) })
	if err := cmp.Or(unlike...); err != nil {
		return nil, err
	}
	all[len(all)-1].Reference = reference
	return all, nil
}

// movable keeps, of the blobs that a manifest needs, those that travel with it; of the others the
// plan warns.
func (p *planner) movable(a *Artifact, needed []v1.Descriptor) []*v1.Descriptor {
	all := make([]*v1.Descriptor, 0, len(needed))
	for _, blob := range needed {
		if oci.IsForeign(blob) {
			p.warn(fmt.Sprintf("layer %s of %s is non-distributable: it stays where its vendor keeps it", blob.Digest, a.Origin.Repository))
			continue
		}
		all = append(all, p.shared(blob))
	}
	return all
}

// described is what tells descriptors apart that say nothing else.
type described struct {
	BlobKey
	mediaType types.MediaType
}

// shared is a descriptor that other manifests have too, as most are: it is kept once, and so are its words.
func (p *planner) shared(d v1.Descriptor) *v1.Descriptor {
	if d.Data != nil || d.URLs != nil || d.Annotations != nil || d.Platform != nil || d.ArtifactType != "" {
		return &d
	}
	key := described{KeyOf(d), d.MediaType}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.blobs[key]
	if !ok {
		d.MediaType = types.MediaType(unique.Make(string(d.MediaType)).Value())
		d.Digest.Algorithm = unique.Make(d.Digest.Algorithm).Value()
		d.Digest.Hex = strings.Clone(d.Digest.Hex)
		known, key = &d, described{KeyOf(d), d.MediaType}
		p.blobs[key] = known
	}
	return known
}

func (o Origin) manifest(ctx context.Context, reference string, also ...types.MediaType) (oci.Manifest, error) {
	return o.Source.Manifest(ctx, o.Repository, reference, also...)
}
