package versions

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// release works one release out of its shape.
func (c *compiler) release(name string, spec releaseSpec) (*Release, error) {
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
	b := releaseBuilder{compiler: c, name: name, spec: spec, shape: shape, fill: blanks{"release": name}}
	for _, key := range slices.Sorted(maps.Keys(spec.Vars)) {
		b.fill[key] = spec.Vars[key]
	}
	return b.build()
}

// releaseBuilder makes the images and charts of one release.
type releaseBuilder struct {
	*compiler
	name  string
	spec  releaseSpec
	shape shapeSpec
	fill  blanks
}

func (b releaseBuilder) build() (*Release, error) {
	r := &Release{Name: b.name, Note: b.spec.Note}
	if err := b.sortVersions(); err != nil {
		return nil, err
	}
	for _, spec := range b.shape.Charts {
		made, err := b.chart(spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", spec.label(), err)
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
	versioned := slices.ContainsFunc(b.shape.Images, imageSpec.isVersioned)
	if versioned != (len(b.spec.Versions) > 0) {
		return errors.New("versions: a release has versions if its shape has instances, and only then")
	}
	b.spec.Versions = slices.SortedFunc(slices.Values(b.spec.Versions), func(x, y versionSpec) int {
		return newestFirst(x.Version, y.Version)
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
func checkTargets(r *Release) error {
	taken := map[ref.Reference]Location{}
	for _, location := range r.Locations() {
		target := ref.Reference{Repository: location.placed(), Tag: location.Tag}
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
func (b releaseBuilder) chart(spec chartSpec) (*Chart, error) {
	over := b.spec.Images[spec.Name]
	if over.Without {
		return nil, nil
	}
	made := &Chart{Name: spec.Name, Optional: spec.Optional, Values: valuesOf(spec.Values), Objects: objectsOf(spec.Objects)}
	tag := cmp.Or(b.spec.Tags[spec.Name], over.Tag, spec.Tag)
	if tag == "" {
		return made, nil
	}
	if spec.URL != "" {
		location, err := classic(spec, tag.expand(b.fill))
		made.Location = location
		return made, err
	}
	location, err := b.location(over.Registry, spec.Registry, cmp.Or(over.Repository, spec.Repository), spec.As, tag, b.fill)
	made.Location = location
	return made, err
}

// location is where something of the release lies.
func (b releaseBuilder) location(over, registry string, repository template, as string, tag template, fill blanks) (Location, error) {
	from, folder, err := b.registry(over, registry, b.spec.Registry, b.shape.Registry)
	if err != nil {
		return Location{}, err
	}
	l := Location{Registry: folder, From: from, Repository: repository.expand(fill), Tag: tag.expandTag(fill), As: as}
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
		if left := placeholderPattern.FindString(text); left != "" {
			return fmt.Errorf("the release says nothing for %s; put it into its vars", left)
		}
	}
	return nil
}
