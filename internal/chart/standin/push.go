package standin

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Push writes the release below a registry and returns what it wrote, in the order of a
// plan: each artifact's source is where it is, with its digest. Without options it is
// anonymous. Plain HTTP is used on loopback.
func (r *Release) Push(ctx context.Context, registry ref.Folder, options ...remote.Option) ([]versions.Artifact, error) {
	pusher, err := remote.NewPusher(options...)
	if err != nil {
		return nil, err
	}
	written := make([]versions.Artifact, len(r.artifacts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, a := range r.artifacts {
		group.Go(func() error {
			var err error
			written[i], err = push(ctx, pusher, registry, a)
			return err
		})
	}
	return written, group.Wait()
}

func push(ctx context.Context, pusher *remote.Pusher, registry ref.Folder, a artifact) (versions.Artifact, error) {
	at := a.Artifact
	at.Source = registry.Reference(a.Source.Repository, a.Source.Tag)
	tag, err := name.NewTag(at.Source.String())
	if err != nil {
		return at, err
	}
	if err := pusher.Push(ctx, tag, a.content); err != nil {
		return at, fmt.Errorf("pushing %s: %w", at.Source, err)
	}
	digest, err := digestOf(a.content)
	at.Source.Digest = digest.String()
	return at, err
}

func digestOf(content remote.Taggable) (v1.Hash, error) {
	described, ok := content.(interface{ Digest() (v1.Hash, error) })
	if !ok {
		return v1.Hash{}, fmt.Errorf("a %T has no digest", content)
	}
	return described.Digest()
}
