package prune

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// errNotApart says that a registry removes no tag without what it leads to.
var errNotApart = errors.New("this registry does not remove a tag alone")

// removesTagsAlone tries whether a registry removes a tag and leaves the content to other tags: nil says
// that it does. Some delete the content with all of its tags instead, and do not say so. It is tried on
// a manifest of our own, which names the config of one that is there and is removed again.
func (r *repository) removesTagsAlone(ctx context.Context, like v1.Hash) error {
	const patience = 30 * time.Second // what was begun is taken back
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	trial, err := r.trial(ctx, like)
	if err != nil {
		return fmt.Errorf("%w, as far as can be told: %w", errNotApart, err)
	}
	first := "pgrelocate-trial-" + trial.Descriptor.Digest.Hex[:16]
	second := first + "-2"
	defer func() { // nothing of it stays, whatever came of it
		_ = r.Target.DeleteManifest(ctx, r.name, trial.Descriptor.Digest.String())
	}()
	for _, tag := range []string{first, second} {
		if _, err := r.Target.PushManifest(ctx, r.name, tag, trial); err != nil {
			return fmt.Errorf("%w, as far as can be told: %w", errNotApart, err)
		}
	}
	if err := r.Target.DeleteManifest(ctx, r.name, first); err != nil {
		return errNotApart
	}
	_, gone := r.Target.Resolve(ctx, r.name, first)
	left, err := r.Target.Resolve(ctx, r.name, second)
	if !errors.Is(gone, registry.ErrNotFound) || err != nil || left.Digest != trial.Descriptor.Digest {
		return errNotApart
	}
	return nil
}

// trial is a manifest that nobody has, with a config that the repository holds.
func (r *repository) trial(ctx context.Context, like v1.Hash) (oci.Manifest, error) {
	below, err := r.below(ctx, []v1.Hash{like})
	if err != nil {
		return oci.Manifest{}, err
	}
	for digest := range below {
		manifest, err := r.Target.Manifest(ctx, r.name, digest.String())
		if err != nil {
			continue
		}
		links, err := oci.Parse(manifest)
		if err != nil || links.Config == nil {
			continue
		}
		body, err := json.Marshal(v1.Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: *links.Config, Layers: []v1.Descriptor{},
			Annotations: map[string]string{"io.pgrelocate.trial": rand.Text()},
		})
		if err != nil {
			return oci.Manifest{}, err
		}
		return oci.New(types.OCIManifestSchema1, body)
	}
	return oci.Manifest{}, errors.New("there is nothing to try it on")
}
