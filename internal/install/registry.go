package install

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Registry is what installing and verifying ask of a registry.
type Registry interface {
	registry.Source
	// HasBlob and MountBlob are as for a registry.Target.
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
	MountBlob(ctx context.Context, repository string, blob v1.Descriptor, from string) (bool, error)
}

// Dial connects to a registry with the credentials given; none are anonymous.
type Dial func(host string, credentials Credentials) (Registry, error)

// mayPush tells whether a registry lets these credentials write to a repository. It asks
// to link a blob that the repository holds into the same repository, which changes
// nothing.
func mayPush(ctx context.Context, reg Registry, repository, reference string) (bool, error) {
	manifest, err := reg.Manifest(ctx, repository, reference)
	if err != nil {
		return false, err
	}
	blobs, err := blobsOf(manifest)
	if err != nil || len(blobs) == 0 {
		return false, err
	}
	_, err = reg.MountBlob(ctx, repository, blobs[0], repository)
	if errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden) {
		return false, nil
	}
	return err == nil, err
}
