package discovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// Looker looks at a product's source for what the catalogue lacks. Every repository is listed
// once.
type Looker struct {
	*relocate.Session
	Product *versions.Product
	Tags    map[string][]string // as in learning.Evidence
	// mirror looks at the private registry in the source's place.
	mirror bool
}

// NewLooker looks at the source of the product of the settings.
func NewLooker(s *relocate.Session) (*Looker, error) {
	product, err := s.Product()
	return &Looker{Session: s, Product: product, Tags: map[string][]string{}}, err
}

// artifacts are what the Looker may ask for: all that the newest known release has, so that it
// opens the same registries, with the same logins, as a copy; and more.
func (l *Looker) artifacts(more ...versions.Artifact) []versions.Artifact {
	for _, location := range l.Product.Newest().Locations() {
		more = append(more, l.Selection().Taken(l.Product, "", location))
	}
	return more
}

// list lists the tags of every repository that tells of releases or versions. A repository that
// is not there has none.
func (l *Looker) list(ctx context.Context) error {
	sources := l.SourcesOf(l.artifacts())
	for _, telling := range learning.TellingOf(l.Product) {
		if _, done := l.Tags[telling.Key()]; done {
			continue
		}
		at := l.Selection().SourceOf(telling.Location)
		source, err := sources.Open(ctx, at.Host)
		if err != nil {
			return err
		}
		tags, err := source.Tags(ctx, at.Repository)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return err
		}
		l.Tags[telling.Key()] = tags
	}
	return nil
}

// from says where the Looker has looked.
func (l *Looker) from() string {
	if l.mirror {
		return relocate.TargetOf(l.Config.Registry, l.Product).String()
	}
	var asked []versions.Artifact
	for _, telling := range learning.TellingOf(l.Product) {
		asked = append(asked, l.Selection().Taken(l.Product, "", telling.Location))
	}
	return relocate.SourceFolder(asked)
}

// named is a release as its vendor writes it, where tags tell of it; false where none does.
func (l *Looker) named(release string) (string, bool) {
	for _, name := range learning.ReleasesIn(l.Product, l.Tags) {
		if releasename.Same(name, release) {
			return name, true
		}
	}
	return release, false
}

// evidence is what tags, and where the product says so its charts, tell of a release.
func (l *Looker) evidence(ctx context.Context, release string) (learning.Evidence, error) {
	e := learning.Evidence{Release: release, Tags: l.Tags}
	if l.mirror {
		e.Tags = l.mirroredTags()
	}
	if !learning.Renders(l.Product) {
		return e, nil
	}
	charts, tags, err := l.charts(ctx, release)
	if err != nil {
		return e, err
	}
	e.ChartTags = tags
	for _, packed := range charts {
		if err := l.lookInto(ctx, packed, &e); err != nil {
			return e, fmt.Errorf("looking into the chart of %s: %w", release, err)
		}
		e.Charts = true
	}
	return e, nil
}

// lookInto adds what a chart offers and names, as its vendor made it.
func (l *Looker) lookInto(ctx context.Context, packed *chart.Chart, e *learning.Evidence) error {
	rendering, err := RenderPlain(ctx, l.Session, packed)
	if err != nil {
		return err
	}
	e.Offers = append(e.Offers, OffersIn(rendering, l.Product.Cluster.Offers)...)
	for _, image := range naming.ImagesOf(rendering, naming.OriginOf(nil, l.Product.Releases...)) {
		e.Images = append(e.Images, image.Ref)
	}
	e.Images = append(e.Images, packed.AnnotatedImages()...)
	return nil
}

// RenderPlain renders a chart as its vendor made it.
func RenderPlain(ctx context.Context, s *relocate.Session, packed *chart.Chart) (*chart.Rendering, error) {
	return packed.Render(ctx, nil, chart.RenderOptions{Release: "pgrelocate", Namespace: "default", Confinement: s.Options.Confinement})
}

// OffersIn are the images that a rendering lets users pick, in its order.
func OffersIn(rendering *chart.Rendering, kinds []versions.Kind) []learning.Offer {
	var all []learning.Offer
	for _, object := range rendering.Objects {
		for _, kind := range kinds {
			if object.GroupVersionKind().Group != kind.Group || object.GetKind() != kind.Kind {
				continue
			}
			beside := kind.Texts(object.Object, kind.Version)
			images := kind.Texts(object.Object, kind.Image)
			for _, at := range slices.Sorted(maps.Keys(images)) {
				image, err := ref.ParseImage(images[at])
				if err != nil {
					continue // it names none
				}
				all = append(all, learning.Offer{Name: offerName(object.GetName(), at), Version: beside[at], Image: image.Tagged()})
			}
		}
	}
	return all
}

// offerName is what an offer is called: its object, and its place in that where there are several.
func offerName(object, at string) string {
	if at == "" {
		return object
	}
	return object + " " + at
}
