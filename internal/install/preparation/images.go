package preparation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ResolvedImage is an image of a rendering, and what the private registry says to it.
type ResolvedImage struct {
	naming.UsedImage
	// Needed says that a workload runs it. Others are offered: they run once somebody
	// picks them.
	Needed bool
	// Digest is what the private registry has; empty where Err or Foreign is set.
	Digest string
	// Foreign says that it is not in the private registry, so that nobody was asked.
	Foreign bool
	// Err is why it cannot be pulled; ErrNotMirrored where it is not there.
	Err error
}

// Resolve asks the private registry, with the credentials of reg, for every image of the
// rendering. It fails where the registry refuses the credentials or does not answer, and where an
// image that is needed is not there; versions without their image end up in Unmirrored.
func (p *Prepared) Resolve(ctx context.Context, reg verify.Puller) error {
	p.Images = nil
	for _, image := range naming.ImagesOf(p.Rendering, p.Origin()) {
		p.Images = append(p.Images, ResolvedImage{UsedImage: image, Needed: image.Runs(), Foreign: !p.isOurs(image.Ref)})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range p.Images {
		if image := &p.Images[i]; !image.Foreign {
			group.Go(func() error { return image.resolve(ctx, reg) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return p.sortOut()
}

func (p *Prepared) isOurs(image ref.Reference) bool {
	return ref.CanonicalHost(image.Host) == ref.CanonicalHost(p.Target.Host)
}

// resolve fails only where asking for the other images makes no sense either.
func (i *ResolvedImage) resolve(ctx context.Context, reg verify.Puller) error {
	descriptor, err := reg.Resolve(ctx, i.Ref.Repository, referenceOf(i.Ref))
	switch {
	case err == nil:
		i.Digest = descriptor.Digest.String()
	case errors.Is(err, registry.ErrNotFound):
		i.Err = cluster.Wrap(ErrNotMirrored, err)
	case errors.Is(err, registry.ErrForbidden), i.Needed && !errors.Is(err, registry.ErrUnauthorized) && ctx.Err() == nil:
		i.Err = err
	default:
		// Nothing may be left out because a registry had a bad moment.
		return fmt.Errorf("asking for %s with the pull credentials: %w", i.Ref, err)
	}
	return nil
}

// referenceOf is the digest, or the tag where there is none.
func referenceOf(ref ref.Reference) string {
	if ref.Digest != "" {
		return ref.Digest
	}
	return ref.Tag
}

// sortOut fails where an image that is needed is not there, and tells of the others.
func (p *Prepared) sortOut() error {
	absent := &AbsentError{Target: p.Target, Product: p.Product.Name, Release: p.Release.Name}
	for _, image := range p.Images {
		switch {
		case image.Foreign && image.Needed:
			p.Notices = append(p.Notices, fmt.Sprintf("%s is not in %s and was not checked", image.Ref, p.Target.Host))
		case image.Err != nil && image.Needed:
			absent.Images = append(absent.Images, fmt.Sprintf("%s: %v", image.Ref, image.Err))
			absent.Err = image.Err
		}
	}
	p.Unmirrored = p.unmirrored()
	if absent.Err == nil {
		return nil
	}
	return absent
}

// unmirrored names what the rendering offers and the registry has not.
func (p *Prepared) unmirrored() []string {
	var names []string
	for _, image := range naming.ImagesOf(p.Rendering, p.Origin()) {
		at := slices.IndexFunc(p.Images, func(i ResolvedImage) bool { return i.Ref == image.Ref })
		if at >= 0 && p.Images[at].Err != nil && !p.Images[at].Needed {
			names = append(names, p.versionsOf(image)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// versionsOf names the versions that offer an image; other uses are named as they are.
func (p *Prepared) versionsOf(image naming.UsedImage) []string {
	var names []string
	for _, use := range image.Uses {
		if p.isVersion(use.Kind) {
			names = append(names, use.Name)
		} else {
			names = append(names, use.String())
		}
	}
	return names
}

// NamesFor are the names under which the rendering offers some images.
func (p *Prepared) NamesFor(images []string) []string {
	var names []string
	for _, image := range naming.ImagesOf(p.Rendering, p.Origin()) {
		if slices.Contains(images, image.Ref.String()) {
			names = append(names, p.versionsOf(image)...)
		}
	}
	return names
}

// isVersion tells whether objects of a kind are what users pick, each with one image.
func (p *Prepared) isVersion(kind string) bool {
	named := p.offersNamed(kind)
	return len(named) == 1 && !named[0].IsList()
}

// offersNamed is offersOf for a kind of which only the name is known.
func (p *Prepared) offersNamed(kind string) []versions.Kind {
	return slices.DeleteFunc(slices.Clone(p.Offers), func(o versions.Kind) bool { return o.Kind != kind })
}

// Unpullable are the versions, and the entries of catalogs, that the release offers although
// their image is not in the registry, by the names that a verify.Check has for them.
func (p *Prepared) Unpullable() []string {
	var names []string
	for _, image := range naming.ImagesOf(p.Rendering, p.Origin()) {
		at := slices.IndexFunc(p.Images, func(i ResolvedImage) bool { return i.Ref == image.Ref })
		if at < 0 || p.Images[at].Err == nil || p.Images[at].Needed {
			continue
		}
		for _, use := range image.Uses {
			names = append(names, p.nameIn(use))
		}
	}
	return names
}

// nameIn is what a verify.Check calls what stands at a place.
func (p *Prepared) nameIn(use naming.Use) string {
	named := p.offersNamed(use.Kind)
	for _, offer := range named {
		list, field := offer.ListPath()
		suffix := "." + strings.Join(field, ".")
		switch {
		case offer.IsList() && strings.HasPrefix(use.Path, strings.Join(list, ".")+"["):
			return use.Name + " " + strings.TrimSuffix(use.Path, suffix)
		case !offer.IsList() && len(named) > 1 && use.Path == offer.Image:
			return use.Name + " " + use.Path
		}
	}
	return use.Name
}
