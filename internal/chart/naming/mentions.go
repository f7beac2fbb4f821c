package naming

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Mention is one name of an image in a rendering, with where in its string it stands.
type Mention struct {
	Use
	// Image is the image; its tag is empty where Repository is set.
	Image ref.Reference
	// Repository says that the name has no tag and no digest, and that nobody fills one in.
	Repository bool
	// Parts says that Path leads to a map that holds the image's parts, be it in the file itself or in a
	// document in a string.
	Parts bool
	// Text is the whole string, or what an image in parts comes to; from Start up to, but not including, End stands the name as it
	// is spelled there. Both are 0 where it is spelled in a way that is not known.
	Text       string
	Start, End int
}

// Spelled is the name as it stands in the string.
func (m Mention) Spelled() string { return m.Text[m.Start:m.End] }

// Mentions are all places that name images, in the order of the manifest. They are what
// ImagesOf sums up, and the repositories without a tag besides.
func Mentions(r *chart.Rendering, origin Origin) []Mention {
	var all []Mention
	names := newNames(origin)
	eachString(r, func(use Use, at spot, text string) {
		for _, m := range names.mentions(at, text) {
			m.Use = use
			all = append(all, m)
		}
	})
	return all
}

// Strings calls see for every string of the rendering, CustomResourceDefinitions left out.
func Strings(r *chart.Rendering, see func(use Use, text string)) {
	eachString(r, func(use Use, _ spot, text string) { see(use, text) })
}

// MentionsOf are the images that one object names; of is the object, without a path.
func MentionsOf(origin Origin, of Use, object map[string]any) []Mention {
	var all []Mention
	names := newNames(origin)
	visitAll(spot{}, object, func(at spot, text string) {
		of.Path = at.path
		for _, m := range names.mentions(at, text) {
			m.Use = of
			all = append(all, m)
		}
	})
	return all
}

// MentionsIn are the images that a string names that stands by itself, as a value does; key is
// what names it.
func MentionsIn(origin Origin, key, text string) []Mention {
	return newNames(origin).mentions(spot{path: key, label: key}, text)
}

// mentions finds the images in a string of one or several lines.
func (n names) mentions(at spot, text string) []Mention {
	var all []Mention
	offset := 0
	for line := range strings.Lines(text) {
		for _, image := range n.in(at, strings.TrimSpace(line)) {
			m := Mention{Image: image.Reference, Repository: image.repository, Parts: at.parts, Text: text}
			spans := spansOf(line, image.Reference)
			if len(spans) == 0 {
				all = append(all, m)
			}
			for _, span := range spans {
				m.Start, m.End = offset+span[0], offset+span[1]
				all = append(all, m)
			}
		}
		offset += len(line)
	}
	return all
}

// spansOf are the places where a line spells an image, in whatever way names are read.
func spansOf(line string, image ref.Reference) [][2]int {
	var spans [][2]int
	for _, name := range spelled(image) {
		for from := 0; ; {
			at := strings.Index(line[from:], name)
			if at < 0 {
				break
			}
			begin, end := from+at, from+at+len(name)
			if isWholeName(line, begin, end) {
				spans = append(spans, [2]int{begin, end})
			}
			from = begin + 1
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	return spans
}

// spelled are the ways to write an image, the longest first.
func spelled(image ref.Reference) []string {
	suffixes := []string{image.String()[len(image.Name()):]}
	if image.Tag == "latest" && image.Digest == "" {
		suffixes = append(suffixes, "") // it was filled in
	}
	var all []string
	for _, suffix := range suffixes {
		paths := []string{image.Repository + suffix}
		if short, ok := strings.CutPrefix(image.Repository, "library/"); ok && image.Host == ref.DockerHub {
			paths = append(paths, short+suffix)
		}
		for _, host := range ref.Hosts(image.Host) {
			for _, path := range paths {
				all = append(all, host+"/"+path)
			}
		}
		if image.Host == ref.DockerHub {
			all = append(all, paths...)
		}
	}
	return all
}

// isWholeName tells whether a name stands between things that are no part of one.
func isWholeName(line string, begin, end int) bool {
	if begin > 0 && (isNameByte(line[begin-1]) || line[begin-1] == '/' && !strings.HasSuffix(line[:begin], "://")) {
		return false
	}
	rest := line[end:]
	if strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "@") {
		return false
	}
	rest = strings.TrimLeft(rest, ".-:") // which may end a sentence
	return rest == "" || !isNameByte(rest[0])
}
