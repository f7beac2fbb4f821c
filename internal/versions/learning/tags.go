// Package learning works out releases that no catalogue has, from what their vendor keeps: the tags
// of its repositories, which a product's own patterns read, and what its charts offer. TellingOf
// says whose tags to list, Learn makes a release of the Evidence, and Compare says where catalogue,
// tags and charts disagree. It asks nobody anything itself.
package learning

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/compile"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
)

// TagVersion is what the tag of an instance image says.
type TagVersion struct {
	Release string
	Version postgres.Version
	Edition versions.Edition
}

// TagVersions reads the tags of one repository of the vendor, "postgres-instance", by
// the product's own patterns, and returns what they say: newest release first, then
// newest version. Tags that follow no pattern are left out, and so is every repository
// that no shape of the catalogue names, whatever its tags look like.
func TagVersions(p *versions.Product, repository string, tags []string) []TagVersion {
	var found []TagVersion
	for _, name := range slices.Sorted(maps.Keys(p.Spec.Shapes)) {
		shape := p.Spec.Shapes[name]
		for _, spec := range shape.Images {
			if string(spec.Repository) != repository || !spec.Tag.Has("release") || !spec.Tag.Has("version") {
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
		return cmp.Or(releasename.Compare(b.Release, a.Release), postgres.NewestFirst(a.Version, b.Version))
	})
	return found
}

// Telling is a repository of the vendor's whose tags tell of releases, or of versions.
type Telling struct {
	// Location is where it is; it has no tag.
	versions.Location
	// Name is the image's, or the chart's, in the catalogue.
	Name string

	role  versions.Role
	read  func(tag string) (Tag, bool)
	tells template.Template
}

// Tag is what one tag says. What it does not tell is zero.
type Tag struct {
	Tag     string
	Release string
	Version postgres.Version
	// Axes are what the image is on other axes than the version's.
	Axes map[string]string

	vars map[string]string
}

// Edition is what the image is on that axis; empty where the tag tells of none.
func (t Tag) Edition() versions.Edition { return versions.Edition(t.Axes[schema.EditionAxis]) }

// Key names the repository, as its vendor does, in Evidence.
func (t Telling) Key() string { return t.Vendor().Canonical().Name() }

// TellsReleases tells whether each of its tags belongs to a release.
func (t Telling) TellsReleases() bool { return t.tells.Has("release") }

// TellsVersions tells whether its tags name PostgreSQL versions.
func (t Telling) TellsVersions() bool { return t.tells.Has("version") }

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
		return cmp.Or(releasename.Compare(b.Release, a.Release), postgres.NewestFirst(a.Version, b.Version))
	})
	return found
}

// TellingOf are the repositories whose tags tell of releases or versions, in the shape of the
// newest known release: those that the catalogue names for it, or all there are. A repository
// of which no entry of the shape is has nothing to tell, whatever its tags look like.
func TellingOf(p *versions.Product) []Telling {
	draft, err := compile.NewDraft(p.Spec.Product, p.Newest().Name, p.Spec.Releases[p.Newest().Name])
	if err != nil {
		return nil // no product is made of such data
	}
	var all []Telling
	for _, image := range draft.Shape().Images {
		at, ok := draft.ImagesAt(image)
		if ok && tells(p, image.Name, image.Tag) {
			all = append(all, imageTelling(draft, image, at))
		}
	}
	for _, chart := range draft.Shape().Charts {
		at, ok := draft.ChartsAt(chart)
		if ok && chart.URL == "" && tells(p, chart.Name, chart.Tag) {
			all = append(all, Telling{
				Location: at, Name: chart.Name, role: versions.RoleChart, read: newTagReader(draft.Shape(), schema.Image{Tag: chart.Tag}).read, tells: chart.Tag,
			})
		}
	}
	return all
}

func imageTelling(draft compile.Draft, image schema.Image, at versions.Location) Telling {
	return Telling{Location: at, Name: image.Name, role: compile.RoleOf(image), read: newTagReader(draft.Shape(), image).read, tells: image.Tag}
}

// tells tells whether the tags of an entry are to be read, and say something.
func tells(p *versions.Product, name string, tag template.Template) bool {
	if d := p.Spec.Discover; d != nil && len(d.Images) > 0 && !slices.Contains(d.Images, name) {
		return false
	}
	return tag.Has("release") || tag.Has("version")
}

// Renders tells whether a release's chart says what belongs to it.
func Renders(p *versions.Product) bool {
	return p.Spec.Discover == nil || p.Spec.Discover.Render == nil || *p.Spec.Discover.Render
}

// tagReader reads the tags of one entry.
type tagReader struct {
	with    map[string]string // what the tag does not tell
	written map[string]map[string]string
	axes    []string
	pattern template.Matcher
}

func newTagReader(shape schema.Shape, spec schema.Image) tagReader {
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
	r.pattern = spec.Tag.Matcher(known)
	return r
}

func (r tagReader) read(tag string) (Tag, bool) {
	found, ok := r.pattern.Read(tag)
	if !ok {
		return Tag{}, false
	}
	said := Tag{Tag: tag, Axes: maps.Clone(r.with), vars: map[string]string{}}
	for word, text := range found {
		switch {
		case word == "release":
			said.Release = strings.ReplaceAll(text, "_", "+")
		case word == schema.VersionAxis:
			v, err := postgres.ParseVersion(text)
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
