package verify

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Puller is a private registry as those who pull from it see it, with one login.
type Puller interface {
	registry.Source
	// HasBlob is as for a registry.Target.
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
	// MayPush tells whether the credentials in use may write to a repository.
	MayPush(ctx context.Context, repository string) (bool, error)
}

// Dial connects to a registry with the credentials given; none are anonymous.
type Dial func(host string, credentials pullsecret.Credentials) (Puller, error)
