package lock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Private is the private registry, read and asked.
type Private interface {
	registry.Source
	holdings.BlobHolder
}

// Receipt is the lock of what a registry really holds of artifacts: those that it does
// not have are left out, and so is every blob that it does not hand out. Warnings say what it names and
// does not have, and lost is how much that is.
func Receipt(ctx context.Context, private Private, artifacts []versions.Artifact, how Recording) (held *Lock, lost int, warnings []string, err error) {
	origin := make(map[ref.Reference]ref.Reference)
	at := slices.Clone(artifacts)
	for i := range at {
		origin[at[i].Target] = at[i].Source
		at[i].Source = at[i].Target
	}
	source := func(string) (registry.Source, error) { return private, nil }
	found, err := Collect(ctx, source, at, how.Catalogue, plan.Options{Platforms: how.Platforms, Index: plan.IndexSparse})
	if err != nil {
		return nil, 0, nil, err
	}
	lost = found.dangling
	for _, a := range found.Failed {
		if !errors.Is(a.Err, registry.ErrNotFound) {
			return nil, 0, nil, a.Err
		}
		if a.SourceDigest != "" { // its tag is there
			warnings = append(warnings, fmt.Sprintf("%s is damaged, and left out: %v", a.Target, a.Err))
		}
	}
	lost += len(warnings)
	held, err = found.Lock(nil)
	if err != nil {
		return nil, 0, nil, err
	}
	held.comeFrom(origin)
	held.rest(how.Path)
	if err := findPlatforms(ctx, private, held, found.Manifests); err != nil {
		return nil, 0, nil, err
	}
	blobs, err := held.keepHeld(ctx, private)
	held.sort()
	return held, lost + len(blobs), slices.Concat(found.Warnings, warnings, blobs), err
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

// rest has everything below path, where one took the place of the products' folders.
func (l *Lock) rest(path string) {
	if path == "" {
		return
	}
	for i := range l.Artifacts {
		if a := &l.Artifacts[i]; strings.HasPrefix(a.Target.Repository, path+"/") {
			a.Base = path
		}
	}
	for i := range l.Attachments {
		if a := &l.Attachments[i]; strings.HasPrefix(a.Target.Repository, path+"/") {
			a.Base = path
		}
	}
}

// keepHeld removes the repositories in which a blob is not.
func (l *Lock) keepHeld(ctx context.Context, private holdings.BlobHolder) ([]string, error) {
	questions := make([]holdings.BlobQuestion, len(l.Blobs))
	for i, b := range l.Blobs {
		questions[i] = holdings.BlobQuestion{Blob: b.descriptor(), Repositories: b.Repositories}
	}
	held, err := holdings.AskBlobs(ctx, private, questions, false)
	if err != nil {
		return nil, err
	}
	var warnings []string
	for i := range l.Blobs {
		blob := &l.Blobs[i]
		for _, repository := range blob.Repositories {
			if !slices.Contains(held[i], repository) {
				warnings = append(warnings, "blob "+blob.Digest.String()+" is missing in "+repository+", although a manifest there names it")
			}
		}
		blob.Repositories = held[i]
	}
	l.Blobs = slices.DeleteFunc(l.Blobs, func(b Blob) bool { return len(b.Repositories) == 0 })
	slices.Sort(warnings)
	return warnings, nil
}
