package install

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Registry is what installing and verifying ask of a registry.
type Registry interface {
	registry.Source
	// HasBlob is as for a registry.Target.
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
	// MayPush tells whether the credentials in use may write to a repository.
	MayPush(ctx context.Context, repository string) (bool, error)
}

// Dial connects to a registry with the credentials given; none are anonymous.
type Dial func(host string, credentials Credentials) (Registry, error)
