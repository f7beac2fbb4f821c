package versions

import (
	"regexp"
	"slices"
	"strings"
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
	for _, reader := range p.tagReaders(repository) {
		for _, tag := range tags {
			if v, ok := reader.read(tag); ok && !slices.Contains(found, v) {
				found = append(found, v)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b TagVersion) int {
		if c := compareReleases(b.Release, a.Release); c != 0 {
			return c
		}
		return newestFirst(a.Version, b.Version)
	})
	return found
}

// tagReader reads the tags of one entry.
type tagReader struct {
	edition Edition // of the entry; empty where the tag tells
	written map[string]string
	pattern *regexp.Regexp
}

// tagReaders are for the tags of a repository whose tags say both release and version.
func (p *Product) tagReaders(repository string) []tagReader {
	var readers []tagReader
	for _, shape := range p.spec.Shapes {
		for _, spec := range shape.Images {
			if string(spec.Repository) == repository && spec.Tag.has("release") && spec.Tag.has("version") {
				readers = append(readers, newTagReader(shape, spec))
			}
		}
	}
	return readers
}

func newTagReader(shape shapeSpec, spec imageSpec) tagReader {
	known, written := map[string][]string{}, map[string]string{}
	for _, axis := range spec.Axes {
		for _, word := range shape.Axes[axis].Values {
			text, ok := shape.Axes[axis].Write[word]
			if !ok {
				text = word
			}
			known[axis] = append(known[axis], text)
			if axis == editionAxis {
				written[text] = word
			}
		}
	}
	return tagReader{edition: Edition(spec.With[editionAxis]), written: written, pattern: spec.Tag.matcher(known)}
}

func (r tagReader) read(tag string) (TagVersion, bool) {
	match := r.pattern.FindStringSubmatch(tag)
	if match == nil {
		return TagVersion{}, false
	}
	v, err := ParseVersion(match[r.pattern.SubexpIndex("version")])
	if err != nil {
		return TagVersion{}, false
	}
	edition := r.edition
	if at := r.pattern.SubexpIndex(editionAxis); at > 0 {
		edition = Edition(r.written[match[at]])
	}
	release := strings.ReplaceAll(match[r.pattern.SubexpIndex("release")], "_", "+")
	return TagVersion{Release: release, Version: v, Edition: edition}, true
}
