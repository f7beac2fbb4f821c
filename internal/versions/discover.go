package versions

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// TagVersion is what the tag of an instance image says.
type TagVersion struct {
	Release string
	Version Version
	Edition Edition
}

// TagVersions reads the tags of one repository of the vendor, "postgres-instance", by
// the product's own patterns, and returns what they say: newest release first, then
// newest version. Tags that follow no pattern are left out, and so is every repository
// that no shape of the catalogue names, whatever its tags look like.
func (p *Product) TagVersions(repository string, tags []string) []TagVersion {
	var found []TagVersion
	for _, name := range slices.Sorted(maps.Keys(p.spec.Shapes)) {
		shape := p.spec.Shapes[name]
		for _, spec := range shape.Images {
			if string(spec.Repository) != repository || !spec.Tag.has("release") || !spec.Tag.has("version") {
				continue
			}
			for _, tag := range (Telling{read: newTagReader(shape, spec).read}).Read(tags) {
				if v := (TagVersion{tag.Release, tag.Version, tag.Edition()}); !slices.Contains(found, v) {
					found = append(found, v)
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b TagVersion) int {
		return cmp.Or(compareReleases(b.Release, a.Release), newestFirst(a.Version, b.Version))
	})
	return found
}

// Telling is a repository of the vendor's whose tags tell of releases, or of versions.
type Telling struct {
	// Location is where it is; it has no tag.
	Location
	// Name is the image's, or the chart's, in the catalogue.
	Name string

	family string
	role   Role
	read   func(tag string) (Tag, bool)
	tells  template
}

// Tag is what one tag says. What it does not tell is zero.
type Tag struct {
	Tag     string
	Release string
	Version Version
	// Axes are what the image is on other axes than the version's.
	Axes map[string]string

	vars map[string]string
}

// Edition is what the image is on that axis; empty where the tag tells of none.
func (t Tag) Edition() Edition { return Edition(t.Axes[editionAxis]) }

// Key names the repository, as its vendor does, in Evidence.
func (t Telling) Key() string { return t.Vendor().Canonical().Name() }

// TellsReleases tells whether each of its tags belongs to a release.
func (t Telling) TellsReleases() bool { return t.tells.has("release") }

// TellsVersions tells whether its tags name PostgreSQL versions.
func (t Telling) TellsVersions() bool { return t.tells.has("version") }

// Read reads tags by the product's own pattern: newest release first, then newest version. Tags
// that do not follow it are left out.
func (t Telling) Read(tags []string) []Tag {
	var found []Tag
	for _, tag := range tags {
		said, ok := t.read(tag)
		if ok && !slices.ContainsFunc(found, func(f Tag) bool { return f.Tag == tag }) {
			found = append(found, said)
		}
	}
	slices.SortStableFunc(found, func(a, b Tag) int {
		return cmp.Or(compareReleases(b.Release, a.Release), newestFirst(a.Version, b.Version))
	})
	return found
}

// Telling are the repositories whose tags tell of releases or versions, in the shape of the
// newest known release: those that the catalogue names for it, or all there are. A repository
// of which no entry of the shape is has nothing to tell, whatever its tags look like.
func (p *Product) Telling() []Telling {
	spec := p.spec.Releases[p.Newest().Name]
	c := compiler{spec: p.spec, registries: map[string]ref.Folder{}}
	shape, err := c.shapeOf(spec)
	if err != nil || c.readRegistries() != nil {
		return nil // no product is made of such data
	}
	b := releaseBuilder{compiler: &c, spec: spec, shape: shape}
	var all []Telling
	for _, image := range shape.Images {
		if at, ok := b.telling(image.Name, image.Registry, image.Repository, image.As, image.Tag); ok {
			at.family, at.role, at.read = image.family(), image.role(), newTagReader(shape, image).read
			all = append(all, at)
		}
	}
	for _, chart := range shape.Charts {
		if at, ok := b.telling(chart.Name, chart.Registry, chart.Repository, chart.As, chart.Tag); ok && chart.URL == "" {
			at.role, at.read = RoleChart, newTagReader(shape, imageSpec{Tag: chart.Tag}).read
			all = append(all, at)
		}
	}
	return all
}

// telling is the repository of an entry, where its tags tell something and it has one name
// for all releases.
func (b releaseBuilder) telling(name, registry string, repository template, as string, tag template) (Telling, bool) {
	over := b.spec.Images[name]
	repository = cmp.Or(over.Repository, repository)
	if d := b.compiler.spec.Discover; d != nil && len(d.Images) > 0 && !slices.Contains(d.Images, name) {
		return Telling{}, false
	}
	if len(repository.words()) > 0 || !tag.has("release") && !tag.has("version") {
		return Telling{}, false
	}
	from, folder, err := b.registry(over.Registry, registry, b.spec.Registry, b.shape.Registry)
	if err != nil {
		return Telling{}, false
	}
	return Telling{Name: name, tells: tag, Location: Location{Registry: folder, From: from, Repository: string(repository), As: as}}, true
}

// checkDiscover wants every image and chart that is named to be one of a shape.
func (c *compiler) checkDiscover() error {
	if c.spec.Discover == nil {
		return nil
	}
	var have []string
	for _, shape := range c.spec.Shapes {
		for _, image := range shape.Images {
			have = append(have, image.Name)
		}
		for _, chart := range shape.Charts {
			have = append(have, chart.Name)
		}
	}
	slices.Sort(have)
	for _, name := range c.spec.Discover.Images {
		if !slices.Contains(have, name) {
			return fmt.Errorf("images: %w", unknown(name, "an image or a chart of a shape", slices.Compact(have)))
		}
	}
	return nil
}

// Renders tells whether a release's chart says what belongs to it.
func (p *Product) Renders() bool {
	return p.spec.Discover == nil || p.spec.Discover.Render == nil || *p.spec.Discover.Render
}

// tagReader reads the tags of one entry.
type tagReader struct {
	with    map[string]string // what the tag does not tell
	written map[string]map[string]string
	axes    []string
	pattern matcher
}

func newTagReader(shape shapeSpec, spec imageSpec) tagReader {
	known := map[string][]string{}
	r := tagReader{with: spec.With, written: map[string]map[string]string{}, axes: spec.Axes}
	for _, axis := range spec.Axes {
		r.written[axis] = map[string]string{}
		for _, word := range shape.Axes[axis].Values {
			text, ok := shape.Axes[axis].Write[word]
			if !ok {
				text = word
			}
			known[axis] = append(known[axis], text)
			r.written[axis][text] = word
		}
	}
	r.pattern = spec.Tag.matcher(known)
	return r
}

func (r tagReader) read(tag string) (Tag, bool) {
	found, ok := r.pattern.read(tag)
	if !ok {
		return Tag{}, false
	}
	said := Tag{Tag: tag, Axes: maps.Clone(r.with), vars: map[string]string{}}
	for word, text := range found {
		switch {
		case word == "release":
			said.Release = strings.ReplaceAll(text, "_", "+")
		case word == versionAxis:
			v, err := ParseVersion(text)
			if err != nil {
				return Tag{}, false
			}
			said.Version = v
		case word == "major" || word == "minor":
		case slices.Contains(r.axes, word):
			said.setAxis(word, cmp.Or(r.written[word][text], text))
		default:
			said.vars[word] = text
		}
	}
	return said, true
}

func (t *Tag) setAxis(axis, word string) {
	if t.Axes == nil {
		t.Axes = map[string]string{}
	}
	t.Axes[axis] = word
}
