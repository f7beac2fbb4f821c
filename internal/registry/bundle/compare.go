package bundle

import (
	"context"
	"errors"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Difference is an artifact that a registry does not hold as a lock says.
type Difference struct {
	versions.Artifact
	// Locked is the digest in the lock, Held that in the registry; empty where it has none.
	Locked, Held string
}

// Error says what differs, so that a difference can stand among other failures.
func (d Difference) Error() string {
	if d.Held == "" {
		return fmt.Sprintf("%s is missing; the lock has %s", d.Target, d.Locked)
	}
	return fmt.Sprintf("%s holds %s; the lock has %s", d.Target, d.Held, d.Locked)
}

// Resolver is as much of a registry as a comparison needs.
type Resolver interface {
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
}

// Compare holds a registry against the lock, one request for each artifact. It returns
// what differs, in the lock's order.
func (l *Lock) Compare(ctx context.Context, held Resolver, in ref.Folder) ([]Difference, error) {
	artifacts := l.ArtifactsFor(in)
	differs := make([]*Difference, len(artifacts))
	var mu sync.Mutex
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(defaultJobs)
	for i, a := range artifacts {
		g.Go(func() error {
			reference := a.Target.Tag
			if reference == "" {
				reference = a.Target.Digest
			}
			found, err := held.Resolve(running, a.Target.Repository, reference)
			if err != nil && !errors.Is(err, registry.ErrNotFound) {
				return err
			}
			d := &Difference{Artifact: a, Locked: l.Artifacts[i].Digest.String()}
			if err == nil {
				d.Held = found.Digest.String()
			}
			mu.Lock()
			defer mu.Unlock()
			if d.Held != d.Locked {
				differs[i] = d
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []Difference
	for _, d := range differs {
		if d != nil {
			all = append(all, *d)
		}
	}
	return all, context.Cause(ctx)
}
