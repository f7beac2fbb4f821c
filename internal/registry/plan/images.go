package plan

import (
	"context"
	"errors"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// checkImages looks whether the wanted images of an index are at the target, and plans to put
// those that are not: that the index is there does not tell.
func (p *planner) checkImages(ctx context.Context, a *Artifact) error {
	if len(p.opts.Platforms) == 0 || p.opts.changes() || !types.MediaType(a.MediaType).IsIndex() {
		return nil
	}
	top, err := p.ends.Target.Manifest(ctx, a.Target.Repository, a.TargetDigest)
	if err != nil {
		return err
	}
	links, err := oci.Parse(top)
	if err != nil {
		return err
	}
	unwanted := links.Unwanted(p.opts.Platforms)
	if !hasWanted(links, unwanted) {
		return &PlatformError{Want: platformNames(p.opts.Platforms), Have: links.Platforms()}
	}
	for _, child := range links.Manifests {
		if unwanted[child.Digest] && p.opts.sparse() {
			continue
		}
		_, err := p.ends.Target.Resolve(ctx, a.Target.Repository, child.Digest.String())
		switch {
		case errors.Is(err, registry.ErrNotFound):
			a.Missing = append(a.Missing, child.Digest.String())
		case err != nil:
			return err
		}
	}
	if len(a.Missing) == 0 {
		return nil
	}
	a.State = StateDamaged
	return p.readTree(ctx, a)
}
