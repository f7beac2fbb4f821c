package compile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
)

// release works one release out of its shape.
func (c *compiler) release(name string, spec schema.Release) (*versions.Release, error) {
	if !releasePattern.MatchString(name) || !strings.ContainsAny(name, "0123456789") {
		return nil, errors.New("it is no release; write it as v4.3.1")
	}
	shape, err := c.shapeOf(spec)
	if err != nil {
		return nil, err
	}
	if err := checkRelease(shape, spec); err != nil {
		return nil, err
	}
	b := releaseBuilder{compiler: c, name: name, spec: spec, shape: shape, fill: template.Blanks{"release": name}}
	for _, key := range slices.Sorted(maps.Keys(spec.Vars)) {
		b.fill[key] = spec.Vars[key]
	}
	return b.build()
}

// releaseBuilder makes the images and charts of one release.
type releaseBuilder struct {
	*compiler
	name  string
	spec  schema.Release
	shape schema.Shape
	fill  template.Blanks
}

func (b releaseBuilder) build() (*versions.Release, error) {
	r := &versions.Release{Name: b.name, Note: b.spec.Note}
	if err := b.sortVersions(); err != nil {
		return nil, err
	}
	for _, spec := range b.shape.Charts {
		made, err := b.chart(spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", spec.Label(), err)
		}
		if made != nil {
			if len(r.Charts) > 0 {
				made.HelmRelease = cmp.Or(spec.HelmRelease, spec.Name)
			}
			r.Charts = append(r.Charts, *made)
		}
	}
	var err error
	if r.Images, err = b.images(); err != nil {
		return nil, err
	}
	return r, checkTargets(r)
}

// sortVersions puts the newest first, and finds those that are there twice.
func (b *releaseBuilder) sortVersions() error {
	versioned := slices.ContainsFunc(b.shape.Images, schema.Image.IsVersioned)
	if versioned != (len(b.spec.Versions) > 0) {
		return errors.New("versions: a release has versions if its shape has instances, and only then")
	}
	b.spec.Versions = slices.SortedFunc(slices.Values(b.spec.Versions), func(x, y schema.Version) int {
		return postgres.NewestFirst(x.Version, y.Version)
	})
	for i, v := range b.spec.Versions {
		if i > 0 && v.Version == b.spec.Versions[i-1].Version {
			return fmt.Errorf("versions: %s is there twice", v.Version)
		}
	}
	return nil
}

// checkTargets refuses two artifacts that would become one at the target, where what counts is
// the repository below its registry, and the tag.
func checkTargets(r *versions.Release) error {
	taken := map[ref.Reference]versions.Location{}
	for _, location := range r.Locations() {
		target := ref.Reference{Repository: location.Place(), Tag: location.Tag}
		if before, ok := taken[target]; ok {
			return fmt.Errorf("%s and %s would both become %s at the target; one of them needs another repository or tag",
				before.Vendor(), location.Vendor(), target)
		}
		taken[target] = location
	}
	return nil
}

// chart makes a chart; one whose tag is not known has none, and nil is one that the release
// does not have.
func (b releaseBuilder) chart(spec schema.Chart) (*versions.Chart, error) {
	over := b.spec.Images[spec.Name]
	if over.Without {
		return nil, nil
	}
	made := &versions.Chart{Name: spec.Name, Optional: spec.Optional, Values: valuesOf(spec.Values), Objects: objectsOf(spec.Objects)}
	var err error
	if made.Requires, err = requiresOf(spec.Requires, b.compiler.spec.Product); err != nil {
		return nil, err
	}
	tag := cmp.Or(b.spec.Tags[spec.Name], over.Tag, spec.Tag)
	if tag == "" {
		return made, nil
	}
	if spec.URL != "" {
		location, err := classic(spec, tag.Expand(b.fill))
		made.Location = location
		return made, err
	}
	location, err := b.location(over.Registry, spec.Registry, cmp.Or(over.Repository, spec.Repository), spec.As, tag, b.fill)
	made.Location = location
	return made, err
}

// location is where something of the release lies.
func (b releaseBuilder) location(over, registry string, repository template.Template, as string, tag template.Template, fill template.Blanks) (versions.Location, error) {
	from, folder, err := b.registry(over, registry, b.spec.Registry, b.shape.Registry)
	if err != nil {
		return versions.Location{}, err
	}
	l := versions.Location{Registry: folder, From: from, Repository: repository.Expand(fill), Tag: tag.ExpandTag(fill), As: as}
	if err := complete(l.Repository, l.Tag); err != nil {
		return l, err
	}
	if err := ref.CheckRepository("", l.Repository); err != nil {
		return l, fmt.Errorf("repository: %w", err)
	}
	return l, ref.CheckTag(l.Tag)
}

// complete finds placeholders for which the release has nothing.
func complete(texts ...string) error {
	for _, text := range texts {
		if left := template.Open(text); left != "" {
			return fmt.Errorf("the release says nothing for %s; put it into its vars", left)
		}
	}
	return nil
}
