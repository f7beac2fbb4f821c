package schema

import (
	"cmp"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// IsVersioned tells whether there is one for each PostgreSQL version.
func (s Image) IsVersioned() bool { return slices.Contains(s.Axes, VersionAxis) }

// Family is what values and users call the entry's images.
func (s Image) Family() string { return cmp.Or(s.Group, s.Name) }

// Label is where it stands in the file.
func (s Image) Label() string { return "images." + s.Name }

// Label is where it stands in the file.
func (s Chart) Label() string { return "charts." + s.Name }

// With are the words that entries are bound to on an axis.
func (s Shape) With(axis string) []string {
	var words []string
	for _, image := range s.Images {
		if word := image.With[axis]; word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// Families are what values can call images, charts not among them.
func (s Shape) Families() []string {
	var all []string
	for _, image := range s.Images {
		if !slices.Contains(all, image.Family()) {
			all = append(all, image.Family())
		}
	}
	return all
}

// AxesOf are the placeholders of a family.
func (s Shape) AxesOf(family string) ([]string, error) {
	if family == "" {
		return nil, nil
	}
	at := slices.IndexFunc(s.Images, func(i Image) bool { return i.Family() == family })
	if at < 0 {
		return nil, suggest.Unknown(family, "an image of the shape", s.Families())
	}
	axes := slices.Clone(s.Images[at].Axes)
	if s.Images[at].IsVersioned() {
		axes = append(axes, "major", "minor")
	}
	for axis := range s.Images[at].With {
		axes = append(axes, axis)
	}
	return axes, nil
}
