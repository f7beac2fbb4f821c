package plan

import (
	"context"
	"errors"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

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
	for _, child := range links.Manifests {
		if unwanted[child.Digest] && p.opts.sparse() {
			continue
		}
		_, err := p.ends.Target.Resolve(ctx, a.Target.Repository, child.Digest.String())
		switch {
		case errors.Is(err, registry.ErrNotFound):
			a.Missing = append(a.Missing, child.Digest.String())
		case err != nil:
			return err
		}
	}
	if len(a.Missing) == 0 {
		return nil
	}
	a.State = StateDamaged
	return p.readTree(ctx, a)
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
