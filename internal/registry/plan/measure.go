package plan

import (
	"context"
	"fmt"
)

// measure finds out how large what is present is, where that is wanted. A blob that a copy moves
// for another artifact counts there.
func (p *planner) measure(ctx context.Context) error {
	if !p.opts.Measure {
		return nil
	}
	counted := map[BlobKey]bool{}
	for _, blob := range p.plan.Blobs {
		counted[KeyOf(blob.Descriptor)] = true
	}
	return each(ctx, p.plan.Artifacts, func(ctx context.Context, a *Artifact) error {
		if a.State != StatePresent {
			return nil
		}
		blobs, err := p.inventory.blobs.Blobs(ctx, a.Target.Repository, a.TargetDigest)
		if err != nil {
			if ctx.Err() == nil {
				p.warn(fmt.Sprintf("the size of %s is not known: %v", a.Target, err))
			}
			return nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		own := map[BlobKey]bool{}
		for _, blob := range blobs {
			key := KeyOf(blob)
			if !own[key] {
				own[key] = true
				a.Size += blob.Size
			}
			if !counted[key] {
				counted[key] = true
				p.plan.BytesPresent += blob.Size
			}
		}
		return nil
	})
}
