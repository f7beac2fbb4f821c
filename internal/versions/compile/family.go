package compile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
)

// images are all images of the release: first what has no version, and then the families; each
// family the newest version first.
func (b releaseBuilder) images() ([]versions.Image, error) {
	var operators, instances, extras []versions.Image
	for _, spec := range b.shape.Images {
		made, err := b.family(spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", spec.Label(), err)
		}
		switch RoleOf(spec) {
		case versions.RoleOperator:
			operators = append(operators, made...)
		case versions.RoleInstance:
			instances = append(instances, made...)
		default:
			extras = append(extras, made...)
		}
	}
	slices.SortStableFunc(instances, func(x, y versions.Image) int { return postgres.NewestFirst(x.Version, y.Version) })
	return slices.Concat(operators, instances, extras), b.checkAxes()
}

// family makes the images of one entry; none where the release has no such image.
func (b releaseBuilder) family(spec schema.Image) ([]versions.Image, error) {
	over := b.spec.Images[spec.Name]
	tag := cmp.Or(b.spec.Tags[spec.Name], over.Tag, spec.Tag)
	if over.Without || tag == "" {
		return nil, nil
	}
	spec.Repository, spec.Tag = cmp.Or(over.Repository, spec.Repository), tag
	if !spec.IsVersioned() {
		return b.cells(spec, over.Registry, schema.Version{})
	}
	var all []versions.Image
	for _, v := range b.spec.Versions {
		made, err := b.cells(spec, over.Registry, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Version, err)
		}
		all = append(all, made...)
	}
	return all, nil
}

// cells makes the images of one version, or of none: one for each combination on the axes.
func (b releaseBuilder) cells(spec schema.Image, registry string, v schema.Version) ([]versions.Image, error) {
	if !fits(spec, v) {
		return nil, nil
	}
	fill := b.fill
	if !v.Version.IsZero() {
		fill = fill.With(template.OfVersion(v.Version))
	}
	var made []versions.Image
	points, err := b.combinations(spec, v)
	if err != nil {
		return nil, err
	}
	if b.compiler.images += len(points); b.compiler.images > mostOfAll {
		return nil, fmt.Errorf("the releases come to more than %d images", mostOfAll)
	}
	for _, at := range points {
		written := fill.With(b.written(at))
		location, err := b.location(registry, spec.Registry, spec.Repository, spec.As, spec.Tag, written)
		if err != nil {
			return nil, err
		}
		made = append(made, versions.Image{
			Location: location, Name: spec.Family(), Role: RoleOf(spec), Version: v.Version, Axes: at,
			Called: spec.Called.Expand(written), Optional: spec.Optional, Beyond: b.beyond(at, v),
		})
	}
	return made, nil
}

// fits tells whether a version has what an entry is: {edition: lite}.
func fits(spec schema.Image, v schema.Version) bool {
	for axis, word := range spec.With {
		if only, said := v.Axes[axis]; said && !slices.Contains(only, word) {
			return false
		}
	}
	return true
}

// mostImages is more images than any family of a release has, and mostOfAll more than a
// product's releases have together.
const (
	mostImages = 10_000
	mostOfAll  = 200_000
)

// combinations are all points on the axes of an entry, in the catalogue's order.
func (b releaseBuilder) combinations(spec schema.Image, v schema.Version) ([]map[string]string, error) {
	all := []map[string]string{maps.Clone(spec.With)}
	for _, axis := range spec.Axes {
		if axis == schema.VersionAxis {
			continue
		}
		words := b.words(axis, v)
		if len(all)*len(words)*max(1, len(b.spec.Versions)) > mostImages {
			return nil, fmt.Errorf("axes: they come to more than %d images", mostImages)
		}
		var next []map[string]string
		for _, point := range all {
			for _, word := range words {
				longer := map[string]string{axis: word}
				maps.Copy(longer, point)
				next = append(next, longer)
			}
		}
		all = next
	}
	return all, nil
}

// words are what there is on an axis: of the version, else of the release, else of the shape.
func (b releaseBuilder) words(axis string, v schema.Version) []string {
	if only, said := v.Axes[axis]; said {
		return only
	}
	if only, said := b.spec.Axes[axis]; said {
		return only
	}
	return b.shape.Axes[axis].Values
}

// written are the texts that stand for a point on the axes in templates.
func (b releaseBuilder) written(at map[string]string) template.Blanks {
	texts := template.Blanks{}
	for axis, word := range at {
		text, ok := b.shape.Axes[axis].Write[word]
		if !ok {
			text = word
		}
		texts[axis] = text
	}
	return texts
}

// beyond are the axes on which a point is not selected where nothing is said. A version that has
// nothing of what is selected by default is selected as it is, and not left out without a word.
func (b releaseBuilder) beyond(at map[string]string, v schema.Version) []string {
	var axes []string
	for _, axis := range slices.Sorted(maps.Keys(at)) {
		chosen := b.shape.Axes[axis].Default
		has := slices.ContainsFunc(b.words(axis, v), func(word string) bool { return slices.Contains(chosen, word) })
		if has && !slices.Contains(chosen, at[axis]) {
			axes = append(axes, axis)
		}
	}
	return axes
}

// checkAxes finds what a version says on axes that no image has.
func (b releaseBuilder) checkAxes() error {
	for _, v := range b.spec.Versions {
		for _, axis := range slices.Sorted(maps.Keys(v.Axes)) {
			if err := checkOn(b.shape, axis, v.Axes[axis]); err != nil {
				return fmt.Errorf("versions.%s: %w", v.Version, err)
			}
		}
	}
	for _, axis := range slices.Sorted(maps.Keys(b.spec.Axes)) {
		if err := checkOn(b.shape, axis, b.spec.Axes[axis]); err != nil {
			return fmt.Errorf("axes: %w", err)
		}
	}
	return nil
}
