package compile

import (
	"cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
)

// Draft is a release that is being worked out: a shape of the product's, and what is said of the
// release so far.
type Draft struct{ b releaseBuilder }

// NewDraft is a draft of a release in the shape that it names, or in the only one.
func NewDraft(product schema.Product, name string, spec schema.Release) (Draft, error) {
	c := compiler{spec: product, registries: map[string]ref.Folder{}}
	shape, err := c.shapeOf(spec)
	if err != nil {
		return Draft{}, err
	}
	if err := c.readRegistries(); err != nil {
		return Draft{}, err
	}
	return Draft{releaseBuilder{compiler: &c, name: name, spec: spec, shape: shape, fill: template.Blanks{"release": name}}}, nil
}

// Shape is what the release has in common with others.
func (d Draft) Shape() schema.Shape { return d.b.shape }

// Without tells whether the release has no image, and no chart, of that name.
func (d Draft) Without(name string) bool { return d.b.spec.Images[name].Without }

// Chart is a chart of the shape as the release has it; one whose tag is not known has none, and
// nil is one that it does not have.
func (d Draft) Chart(spec schema.Chart) (*versions.Chart, error) { return d.b.chart(spec) }

// ImagesAt is the repository of an image's tags, in a Location without one; false where it has no
// one name for all releases.
func (d Draft) ImagesAt(spec schema.Image) (versions.Location, bool) {
	return d.tagsAt(spec.Name, spec.Registry, spec.Repository, spec.As)
}

// ChartsAt is ImagesAt for charts.
func (d Draft) ChartsAt(spec schema.Chart) (versions.Location, bool) {
	return d.tagsAt(spec.Name, spec.Registry, spec.Repository, spec.As)
}

func (d Draft) tagsAt(name, registry string, repository template.Template, as string) (versions.Location, bool) {
	over := d.b.spec.Images[name]
	repository = cmp.Or(over.Repository, repository)
	from, folder, err := d.b.registry(over.Registry, registry, d.b.spec.Registry, d.b.shape.Registry)
	if err != nil || len(repository.Words()) > 0 {
		return versions.Location{}, false
	}
	return versions.Location{Registry: folder, From: from, Repository: string(repository), As: as}, true
}
