package verify

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// blobs looks for the blobs of images in one registry. What was found is not asked for again
// in the same repository.
type blobs struct {
	registry Puller
	seen     map[string]bool
}

// of asks for every blob of an image, of all its platforms; the error names the first that
// the repository does not hold.
func (b *blobs) of(ctx context.Context, repository, reference string) error {
	walk := oci.Walk{
		Fetch: func(ctx context.Context, child v1.Descriptor) (oci.Manifest, error) {
			return b.registry.Manifest(ctx, repository, child.Digest.String())
		},
		Missing: func(err error) bool { return errors.Is(err, registry.ErrNotFound) },
		Visit: func(node oci.Node) error {
			for _, blob := range append(node.Links.Needs(), node.Others...) {
				if err := b.has(ctx, repository, blob); err != nil {
					return err
				}
			}
			return nil
		},
	}
	top, err := b.registry.Manifest(ctx, repository, reference)
	if err == nil {
		err = walk.From(ctx, top)
	}
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("a manifest of it is missing in the registry: %w", err)
	}
	return err
}

// has asks for one blob. What a manifest says to fetch elsewhere is not the registry's to have.
func (b *blobs) has(ctx context.Context, repository string, blob v1.Descriptor) error {
	key := repository + "@" + blob.Digest.String()
	if b.seen[key] || len(blob.URLs) > 0 || oci.IsForeign(blob) {
		return nil
	}
	has, err := b.registry.HasBlob(ctx, repository, blob)
	switch {
	case err != nil:
		return err
	case !has:
		return fmt.Errorf("its blob %s is missing in the registry", blob.Digest)
	}
	b.seen[key] = true
	return nil
}
