package compile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
)

// RoleOf is what an image of a shape is for.
func RoleOf(s schema.Image) versions.Role {
	switch {
	case s.Name == schema.OperatorName:
		return versions.RoleOperator
	case s.IsVersioned():
		return versions.RoleInstance
	default:
		return versions.RoleExtra
	}
}

// checkShape finds what is wrong with a shape before any release uses it.
func (c *compiler) checkShape(name string, s schema.Shape) error {
	if s.Registry != "" {
		if _, _, err := c.registry(s.Registry); err != nil {
			return err
		}
	}
	for _, axis := range slices.Sorted(maps.Keys(s.Axes)) {
		if err := checkAxis(s.Axes[axis], axis); err != nil {
			return fmt.Errorf("axes.%s: %w", axis, err)
		}
	}
	if err := c.checkNames(s); err != nil {
		return err
	}
	vars := c.vars(name)
	for _, spec := range s.Images {
		if err := c.checkImage(s, spec, vars); err != nil {
			return fmt.Errorf("%s: %w", spec.Label(), err)
		}
	}
	for _, spec := range s.Charts {
		if err := c.checkChart(s, spec, vars); err != nil {
			return fmt.Errorf("%s: %w", spec.Label(), err)
		}
	}
	return checkHelmReleases(s)
}

// checkHelmReleases wants each chart to be installed as something of its own.
func checkHelmReleases(s schema.Shape) error {
	taken := map[string]string{}
	for i, spec := range s.Charts {
		as := cmp.Or(spec.HelmRelease, spec.Name)
		switch {
		case i == 0 && spec.HelmRelease != "":
			return fmt.Errorf("%s: helmRelease: the first chart is the operator's: write it into cluster", spec.Label())
		case i == 0:
			continue
		case !schema.IsName(as) || len(as) > 53:
			return fmt.Errorf("%s: helmRelease: %s is no name for one", spec.Label(), ref.Quote(as))
		case taken[as] != "":
			return fmt.Errorf("%s: helmRelease: %s is that of %s already", spec.Label(), as, taken[as])
		}
		taken[as] = spec.Name
	}
	return nil
}

func checkAxis(a schema.Axis, name string) error {
	if !schema.IsName(name) || slices.Contains([]string{schema.VersionAxis, "major", "minor", "release"}, name) {
		return errors.New("it is no name for an axis")
	}
	for _, word := range a.Default {
		if len(a.Values) > 0 && !slices.Contains(a.Values, word) {
			return fmt.Errorf("default: %w", suggest.Unknown(word, "one of its values", a.Values))
		}
	}
	return nil
}

// checkNames wants every image and chart to have a name of its own.
func (c *compiler) checkNames(s schema.Shape) error {
	seen := map[string]bool{}
	check := func(kind, name string) error {
		switch {
		case !schema.IsName(name) || slices.Contains([]string{schema.AllWord, schema.NoneWord, "target", "pullSecret"}, name):
			return fmt.Errorf("%s: %s is no name for one", kind, ref.Quote(name))
		case seen[name]:
			return fmt.Errorf("%s: %s is there twice", kind, name)
		}
		seen[name] = true
		return nil
	}
	for _, spec := range s.Images {
		if err := check("images", spec.Name); err != nil {
			return err
		}
	}
	for _, spec := range s.Charts {
		if err := check("charts", spec.Name); err != nil {
			return err
		}
	}
	return nil
}

// vars are the names that any release of a shape gives a text to.
func (c *compiler) vars(shape string) []string {
	var all []string
	for _, release := range c.spec.Releases {
		if release.Shape == shape || release.Shape == "" {
			all = slices.AppendSeq(all, maps.Keys(release.Vars))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *compiler) checkImage(s schema.Shape, spec schema.Image, vars []string) error {
	if spec.Registry != "" || s.Registry == "" {
		if _, _, err := c.registry(spec.Registry); err != nil {
			return err
		}
	}
	if spec.As != "" {
		if err := ref.CheckRepository("", spec.As); err != nil {
			return fmt.Errorf("as: %w", err)
		}
	}
	allowed := append([]string{"release"}, vars...)
	if spec.IsVersioned() {
		allowed = append(allowed, "version", "major", "minor")
		if spec.Tag == "" {
			return errors.New("tag: it is missing")
		}
	}
	for _, axis := range spec.Axes {
		if _, ok := s.Axes[axis]; !ok && axis != schema.VersionAxis {
			return fmt.Errorf("axes: %w", suggest.Unknown(axis, "one of axes", append(slices.Sorted(maps.Keys(s.Axes)), schema.VersionAxis)))
		}
		if axis != schema.VersionAxis {
			allowed = append(allowed, axis)
		}
	}
	if spec.Repository == "" {
		return errors.New("repository: the repository is missing")
	}
	if len(spec.Repository.Words()) == 0 {
		if err := ref.CheckRepository("", string(spec.Repository)); err != nil {
			return fmt.Errorf("repository: %w", err)
		}
	}
	return checkTemplates(allowed, map[string]template.Template{"repository": spec.Repository, "tag": spec.Tag, "called": spec.Called})
}

func checkTemplates(allowed []string, templates map[string]template.Template) error {
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		if err := templates[key].Check(slices.Compact(slices.Clone(allowed))...); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (c *compiler) checkChart(s schema.Shape, spec schema.Chart, vars []string) error {
	allowed := append([]string{"release"}, vars...)
	switch {
	case spec.URL != "":
		if _, err := classic(spec, ""); err != nil {
			return err
		}
	case spec.Repository == "":
		return errors.New("repository: the repository is missing")
	case spec.Registry != "" || s.Registry == "":
		if _, _, err := c.registry(spec.Registry); err != nil {
			return err
		}
	}
	if spec.URL == "" && len(spec.Repository.Words()) == 0 {
		if err := ref.CheckRepository("", string(spec.Repository)); err != nil {
			return fmt.Errorf("repository: %w", err)
		}
	}
	if err := checkTemplates(allowed, map[string]template.Template{"repository": spec.Repository, "tag": spec.Tag}); err != nil {
		return err
	}
	if _, err := requiresOf(spec.Requires, c.spec.Product); err != nil {
		return err
	}
	for _, value := range spec.Values {
		if err := checkValue(s, value); err != nil {
			return fmt.Errorf("values.%s: %w", value.At, err)
		}
	}
	for _, object := range spec.Objects {
		if err := checkObject(s, object); err != nil {
			return fmt.Errorf("objects: %w", err)
		}
	}
	return nil
}

// checkRelease finds what a release says about images, and charts, that its shape does not have.
func checkRelease(s schema.Shape, spec schema.Release) error {
	var have []string
	for _, chart := range s.Charts {
		have = append(have, chart.Name)
	}
	for _, image := range s.Images {
		have = append(have, image.Name)
	}
	allowed := append([]string{"release", "version", "major", "minor"}, slices.Sorted(maps.Keys(spec.Vars))...)
	allowed = slices.AppendSeq(allowed, maps.Keys(s.Axes))
	for _, name := range slices.Sorted(maps.Keys(spec.Tags)) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("tags: %w", suggest.Unknown(name, "an image of the shape", have))
		}
		if err := spec.Tags[name].Check(allowed...); err != nil {
			return fmt.Errorf("tags.%s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Images)) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("images: %w", suggest.Unknown(name, "an image of the shape", have))
		}
	}
	return nil
}

// checkOn finds words that stand on no axis of a shape.
func checkOn(s schema.Shape, axis string, words []string) error {
	known, ok := s.Axes[axis]
	if !ok {
		have := slices.Sorted(maps.Keys(s.Axes))
		if i := slices.IndexFunc(s.Images, func(i schema.Image) bool { return i.With[axis] != "" }); i < 0 {
			return suggest.Unknown(axis, "an axis of the release's shape", have)
		}
	}
	if with := s.With(axis); ok && len(known.Values) > 0 || len(with) > 0 {
		for _, word := range words {
			if have := append(slices.Clone(known.Values), with...); !slices.Contains(have, word) {
				return fmt.Errorf("%s: %w", axis, suggest.Unknown(word, "of the release's shape", have))
			}
		}
	}
	return nil
}
