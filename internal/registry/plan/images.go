package plan

import (
	"context"
	"errors"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// checkImages looks whether the wanted images of an index are at the target, and plans to put
// those that are not: that the index is there does not tell.
func (p *planner) checkImages(ctx context.Context, a *Artifact) error {
	if len(p.opts.Platforms) == 0 && len(p.opts.Left) == 0 || p.opts.changes() || !types.MediaType(a.MediaType).IsIndex() {
		return nil
	}
	top, err := p.ends.Target.Manifest(ctx, a.Target.Repository, a.TargetDigest)
	if err != nil {
		return err
	}
	links, err := oci.Parse(top)
	if err != nil {
		return err
	}
	unwanted, all := p.opts.unwanted(links), len(links.Manifests)
	if links = p.opts.there(links); len(p.opts.Platforms) == 0 && len(links.Manifests) == all {
		return nil
	}
	if len(p.opts.Platforms) > 0 && !hasWanted(links, unwanted) {
		return &PlatformError{Want: platformNames(p.opts.Platforms), Have: links.Platforms()}
	}
	wanted := slices.DeleteFunc(slices.Clone(links.Manifests), func(child v1.Descriptor) bool {
		return unwanted[child.Digest] && p.opts.sparse()
	})
	if a.Missing, err = p.gone(ctx, a.Target.Repository, wanted); err != nil {
		return err
	}
	if len(a.Missing) == 0 {
		return nil
	}
	a.State = StateDamaged
	return p.readTree(ctx, a)
}

// gone are those of an index's images that the target does not have, in their order.
func (p *planner) gone(ctx context.Context, repository string, images []v1.Descriptor) ([]string, error) {
	errs := askAll(images, func(image v1.Descriptor) error {
		_, err := p.ends.Target.Resolve(ctx, repository, image.Digest.String())
		return err
	})
	var missing []string
	for i, err := range errs {
		switch {
		case errors.Is(err, registry.ErrNotFound):
			missing = append(missing, images[i].Digest.String())
		case err != nil:
			return missing, err
		}
	}
	return missing, nil
}

// askAll asks for several items of one artifact at once, and returns the errors in the order of the items.
func askAll[T any](items []T, ask func(T) error) []error {
	errs := make([]error, len(items))
	var group errgroup.Group
	group.SetLimit(readAtOnce)
	for i, item := range items {
		group.Go(func() error {
			errs[i] = ask(item)
			return nil
		})
	}
	_ = group.Wait()
	return errs
}

// samePlatforms tells which platforms the target has of the source's index, where it has some of its
// images, or all, and nothing else; empty where it has other content. It only helps to
// understand a conflict: what cannot be read is other content.
func (p *planner) samePlatforms(ctx context.Context, a *Artifact) string {
	index, err := a.Origin.manifest(ctx, sourceReference(a.Source))
	if err != nil || !index.Descriptor.MediaType.IsIndex() {
		return ""
	}
	if index.Descriptor.Digest.String() == a.TargetDigest {
		return "all platforms"
	}
	claimed := claims(index)
	for digest, platform := range claimed {
		if digest.String() == a.TargetDigest {
			return platform.String()
		}
	}
	held, err := p.ends.Target.Manifest(ctx, a.Target.Repository, a.TargetDigest)
	if err != nil || !held.Descriptor.MediaType.IsIndex() {
		return ""
	}
	return platformsIn(claims(held), claimed)
}

// platformsIn names the platforms of images that are all among others.
func platformsIn(images, others map[v1.Hash]v1.Platform) string {
	var names []string
	for digest, platform := range images {
		if _, ok := others[digest]; !ok {
			return ""
		}
		names = append(names, platform.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
