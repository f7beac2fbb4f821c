package relocate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Opener gets the chart of an artifact; nil is for one that is not there.
type Opener func(context.Context, versions.Artifact) (*chart.Chart, error)

// WithChartImages adds to a selection what its charts run, or list, and it lacks, where the
// settings want that. Without knowing all of it there is no result: somebody asked for it.
func (s *Session) WithChartImages(ctx context.Context, selected []versions.Artifact, target ref.Folder, open Opener) ([]versions.Artifact, error) {
	if !s.Config.ChartImages {
		return selected, nil
	}
	all := slices.Clone(selected)
	for _, a := range selected {
		if a.Role != versions.RoleChart {
			continue
		}
		packed, err := open(ctx, a)
		if err != nil {
			return nil, fmt.Errorf("finding out what chart %s runs: %w", a.Source, err)
		}
		if packed == nil {
			continue
		}
		added, err := s.chartImages(ctx, a.Release, selected, target, packed)
		if err != nil {
			return nil, fmt.Errorf("finding out what chart %s runs: %w", a.Source, err)
		}
		for _, image := range added {
			if !slices.ContainsFunc(all, func(known versions.Artifact) bool {
				return known.Source == image.Source && known.Target == image.Target
			}) {
				all = append(all, image)
			}
		}
	}
	return all, nil
}

// chartImages are the artifacts of what one chart runs beyond the selection.
func (s *Session) chartImages(ctx context.Context, release string, selected []versions.Artifact, target ref.Folder, packed *chart.Chart) ([]versions.Artifact, error) {
	family, err := s.FamilyOf(release, selected)
	if err != nil {
		return nil, err
	}
	beyond, err := s.BeyondOf(ctx, packed, family)
	if err != nil {
		return nil, err
	}
	images := make([]versions.Artifact, len(beyond))
	for i, image := range beyond {
		images[i] = family.Artifact(image, s.Config.Source.Folder, TargetOf(target, family.Product))
	}
	return images, nil
}

// Family is what is known of the images of a release.
type Family struct {
	Product *versions.Product
	release string
	// selected and known are those that are selected and those that the catalogue has, by
	// their vendor's names.
	selected, known []ref.Reference
	origin          naming.Origin
}

// FamilyOf is that of a release.
func (s *Session) FamilyOf(release string, selected []versions.Artifact) (f Family, err error) {
	if f.Product, err = s.Product(); err != nil {
		return f, err
	}
	found, err := f.Product.Release(release)
	if err != nil {
		return f, err
	}
	for _, location := range found.Locations() {
		vendors := location.Vendor()
		f.known = append(f.known, vendors)
		for _, a := range selected {
			if a.Source == s.Selection().SourceOf(location) {
				f.selected = append(f.selected, vendors, a.Source)
			}
		}
	}
	f.release, f.origin = found.Name, naming.OriginOf(nil, found)
	return f, nil
}

// Artifact is an image of a chart as something to relocate. Another source takes the place of
// every registry; without one the image comes from where the chart names it.
func (f Family) Artifact(image ref.Reference, source, target ref.Folder) versions.Artifact {
	a := versions.Artifact{
		Product: f.Product.Name, Release: f.release, Role: versions.RoleChartImage,
		Source: image, Target: f.origin.Below(target, image),
	}
	if !source.IsZero() {
		a.Source = f.origin.Below(source, image)
	}
	if a.Target.Tag != "" {
		a.Target.Digest = "" // it can be had by its digest all the same
	}
	return a
}

// BeyondOf renders a chart as its vendor made it.
func (s *Session) BeyondOf(ctx context.Context, packed *chart.Chart, of Family) ([]ref.Reference, error) {
	rendering, err := packed.Render(ctx, nil, chart.RenderOptions{Release: "pgrelocate", Namespace: "default", Confinement: s.Options.Confinement})
	if err != nil {
		return nil, err
	}
	return naming.Beyond(packed, rendering, of.origin, of.selected, of.known), nil
}

// AtSource opens charts where they come from.
func AtSource(source func(host string) (registry.Source, error)) Opener {
	return func(ctx context.Context, a versions.Artifact) (*chart.Chart, error) {
		from, err := source(a.Source.Host)
		if err != nil {
			return nil, err
		}
		return chart.Fetch(ctx, from, a.Source.Repository, a.Source.Tag)
	}
}

// AtTarget opens charts in the private registry, those that it has.
func AtTarget(private registry.Source) Opener {
	return func(ctx context.Context, a versions.Artifact) (*chart.Chart, error) {
		found, err := chart.Fetch(ctx, private, a.Target.Repository, a.Target.Tag)
		if errors.Is(err, registry.ErrNotFound) {
			return nil, nil
		}
		return found, err
	}
}
