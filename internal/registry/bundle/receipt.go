package bundle

import (
	"context"
	"errors"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Private is the private registry, read and asked.
type Private interface {
	registry.Source
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
}

// Receipt is the lock of what a registry really holds of artifacts: those that it does
// not have are left out, and so is every blob that it does not hand out, with a warning.
func Receipt(ctx context.Context, private Private, artifacts []versions.Artifact, catalogue *versions.Catalogue) (*Lock, []string, error) {
	origin := make(map[ref.Reference]ref.Reference)
	at := slices.Clone(artifacts)
	for i := range at {
		origin[at[i].Target] = at[i].Source
		at[i].Source = at[i].Target
	}
	source := func(string) (registry.Source, error) { return private, nil }
	found, err := Collect(ctx, source, at, catalogue, plan.Options{})
	if err != nil {
		return nil, nil, err
	}
	for _, a := range found.Failed {
		if !errors.Is(a.Err, registry.ErrNotFound) {
			return nil, nil, a.Err
		}
	}
	lock, err := found.lock()
	if err != nil {
		return nil, nil, err
	}
	lock.comeFrom(origin)
	warnings, err := lock.keepHeld(ctx, private)
	lock.sort()
	return lock, append(found.Warnings, warnings...), err
}

// comeFrom puts the vendor's references where the private ones stand: a lock tells where
// content comes from, and not where it was counted.
func (l *Lock) comeFrom(origin map[ref.Reference]ref.Reference) {
	repositories := make(map[string]ref.Reference)
	for i := range l.Artifacts {
		a := &l.Artifacts[i]
		a.Source = origin[a.Target]
		repositories[a.Target.Repository] = a.Source
	}
	for i := range l.Attachments {
		a := &l.Attachments[i]
		from := repositories[a.Target.Repository]
		a.Source.Host, a.Source.Repository = from.Host, from.Repository
	}
}

// keepHeld removes the places in which a blob is not.
func (l *Lock) keepHeld(ctx context.Context, private Private) ([]string, error) {
	var warnings []string
	var mu sync.Mutex
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(defaultJobs)
	for i := range l.Blobs {
		g.Go(func() error {
			blob := &l.Blobs[i]
			var held []string
			for _, repository := range blob.Repositories {
				has, err := private.HasBlob(running, repository, v1.Descriptor{Digest: blob.Digest, Size: blob.Size})
				if err != nil {
					return err
				}
				if has {
					held = append(held, repository)
					continue
				}
				mu.Lock()
				warnings = append(warnings, "blob "+blob.Digest.String()+" is missing in "+repository+", although a manifest there names it")
				mu.Unlock()
			}
			blob.Repositories = held
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	l.Blobs = slices.DeleteFunc(l.Blobs, func(b LockedBlob) bool { return len(b.Repositories) == 0 })
	slices.Sort(warnings)
	return warnings, context.Cause(ctx)
}
