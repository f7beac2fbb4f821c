package transfer

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// repair is for a manifest that the target refuses for want of a blob, though all were there
// when they were last looked at, or had been confirmed. What the target says that it lacks is
// sent again; where it lacks nothing, what it says is not to be relied on, and all is sent.
func (r *run) repair(ctx context.Context, a *artifactTask, m plan.Manifest, cause error) (listed bool, err error) {
	lacking := r.lacking(ctx, a.Target.Repository, m.Blobs)
	for _, blobs := range [][]*v1.Descriptor{lacking, m.Blobs} {
		if len(blobs) == 0 {
			continue
		}
		for _, blob := range blobs {
			if err := r.sendAnew(ctx, a.Target.Repository, *blob); err != nil {
				return false, err
			}
		}
		if listed, err = r.target.PushManifest(ctx, a.Target.Repository, m.Reference, m.Manifest); err == nil {
			return listed, nil
		}
		cause = err
	}
	return false, cause
}

// lacking are the blobs that the target says it does not hold.
func (r *run) lacking(ctx context.Context, repository string, blobs []*v1.Descriptor) []*v1.Descriptor {
	var lacking []*v1.Descriptor
	for _, blob := range blobs {
		if has, err := r.target.HasBlob(ctx, repository, *blob); err == nil && !has {
			lacking = append(lacking, blob)
		}
	}
	return lacking
}

// sendAnew uploads a blob whatever the target says of it.
func (r *run) sendAnew(ctx context.Context, repository string, d v1.Descriptor) error {
	task := r.byKey[plan.KeyOf(d)]
	origins, err := r.originsOf(task)
	if err != nil {
		return err
	}
	body, err := r.bodyFrom(ctx, d, origins)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := r.target.PushBlob(ctx, repository, d, body, true); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.uploaded++
	return nil
}
