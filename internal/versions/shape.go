package versions

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// versionAxis is the axis of PostgreSQL versions, which every release says for itself.
const versionAxis = "version"

// operatorName is the name of the operator's image, instanceName the usual one of instances.
const (
	operatorName = "operator"
	instanceName = "instance"
)

func (s imageSpec) isVersioned() bool { return slices.Contains(s.Axes, versionAxis) }

// family is what values and users call the entry's images.
func (s imageSpec) family() string { return cmp.Or(s.Group, s.Name) }

func (s imageSpec) label() string { return "images." + s.Name }

func (s imageSpec) role() Role {
	switch {
	case s.Name == operatorName:
		return RoleOperator
	case s.isVersioned():
		return RoleInstance
	default:
		return RoleExtra
	}
}

func (s chartSpec) label() string { return "charts." + s.Name }

// checkShape finds what is wrong with a shape before any release uses it.
func (c *compiler) checkShape(name string, s shapeSpec) error {
	if s.Registry != "" {
		if _, _, err := c.registry(s.Registry); err != nil {
			return err
		}
	}
	for _, axis := range slices.Sorted(maps.Keys(s.Axes)) {
		if err := s.Axes[axis].check(axis); err != nil {
			return fmt.Errorf("axes.%s: %w", axis, err)
		}
	}
	if err := c.checkNames(s); err != nil {
		return err
	}
	vars := c.vars(name)
	for _, spec := range s.Images {
		if err := c.checkImage(s, spec, vars); err != nil {
			return fmt.Errorf("%s: %w", spec.label(), err)
		}
	}
	for _, spec := range s.Charts {
		if err := c.checkChart(s, spec, vars); err != nil {
			return fmt.Errorf("%s: %w", spec.label(), err)
		}
	}
	return s.checkHelmReleases()
}

// checkHelmReleases wants each chart to be installed as something of its own.
func (s shapeSpec) checkHelmReleases() error {
	taken := map[string]string{}
	for i, spec := range s.Charts {
		as := cmp.Or(spec.HelmRelease, spec.Name)
		switch {
		case i == 0 && spec.HelmRelease != "":
			return fmt.Errorf("%s: helmRelease: the first chart is the operator's: write it into cluster", spec.label())
		case i == 0:
			continue
		case !namePattern.MatchString(as) || len(as) > 53:
			return fmt.Errorf("%s: helmRelease: %s is no name for one", spec.label(), ref.Quote(as))
		case taken[as] != "":
			return fmt.Errorf("%s: helmRelease: %s is that of %s already", spec.label(), as, taken[as])
		}
		taken[as] = spec.Name
	}
	return nil
}

func (a axisSpec) check(name string) error {
	if !namePattern.MatchString(name) || slices.Contains([]string{versionAxis, "major", "minor", "release"}, name) {
		return errors.New("it is no name for an axis")
	}
	for _, word := range a.Default {
		if len(a.Values) > 0 && !slices.Contains(a.Values, word) {
			return fmt.Errorf("default: %w", unknown(word, "one of its values", a.Values))
		}
	}
	return nil
}

// checkNames wants every image and chart to have a name of its own.
func (c *compiler) checkNames(s shapeSpec) error {
	seen := map[string]bool{}
	check := func(kind, name string) error {
		switch {
		case !namePattern.MatchString(name) || slices.Contains([]string{allWord, noneWord, "target", "pullSecret"}, name):
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

func (c *compiler) checkImage(s shapeSpec, spec imageSpec, vars []string) error {
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
	if spec.isVersioned() {
		allowed = append(allowed, "version", "major", "minor")
		if spec.Tag == "" {
			return errors.New("tag: it is missing")
		}
	}
	for _, axis := range spec.Axes {
		if _, ok := s.Axes[axis]; !ok && axis != versionAxis {
			return fmt.Errorf("axes: %w", unknown(axis, "one of axes", append(slices.Sorted(maps.Keys(s.Axes)), versionAxis)))
		}
		if axis != versionAxis {
			allowed = append(allowed, axis)
		}
	}
	if spec.Repository == "" {
		return errors.New("repository: the repository is missing")
	}
	if len(spec.Repository.words()) == 0 {
		if err := ref.CheckRepository("", string(spec.Repository)); err != nil {
			return fmt.Errorf("repository: %w", err)
		}
	}
	return checkTemplates(allowed, map[string]template{"repository": spec.Repository, "tag": spec.Tag, "called": spec.Called})
}

func checkTemplates(allowed []string, templates map[string]template) error {
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		if err := templates[key].check(slices.Compact(slices.Clone(allowed))...); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (c *compiler) checkChart(s shapeSpec, spec chartSpec, vars []string) error {
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
	if spec.URL == "" && len(spec.Repository.words()) == 0 {
		if err := ref.CheckRepository("", string(spec.Repository)); err != nil {
			return fmt.Errorf("repository: %w", err)
		}
	}
	if err := checkTemplates(allowed, map[string]template{"repository": spec.Repository, "tag": spec.Tag}); err != nil {
		return err
	}
	for _, value := range spec.Values {
		if err := s.checkValue(value); err != nil {
			return fmt.Errorf("values.%s: %w", value.At, err)
		}
	}
	for _, object := range spec.Objects {
		if err := s.checkObject(object); err != nil {
			return fmt.Errorf("objects: %w", err)
		}
	}
	return nil
}

// checkRelease finds what a release says about images, and charts, that its shape does not have.
func checkRelease(s shapeSpec, spec releaseSpec) error {
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
			return fmt.Errorf("tags: %w", unknown(name, "an image of the shape", have))
		}
		if err := spec.Tags[name].check(allowed...); err != nil {
			return fmt.Errorf("tags.%s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Images)) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("images: %w", unknown(name, "an image of the shape", have))
		}
	}
	return nil
}

// checkOn finds words that stand on no axis of a shape.
func (s shapeSpec) checkOn(axis string, words []string) error {
	known, ok := s.Axes[axis]
	if !ok {
		have := slices.Sorted(maps.Keys(s.Axes))
		if i := slices.IndexFunc(s.Images, func(i imageSpec) bool { return i.With[axis] != "" }); i < 0 {
			return unknown(axis, "an axis of the release's shape", have)
		}
	}
	if with := s.with(axis); ok && len(known.Values) > 0 || len(with) > 0 {
		for _, word := range words {
			if have := append(slices.Clone(known.Values), with...); !slices.Contains(have, word) {
				return fmt.Errorf("%s: %w", axis, unknown(word, "of the release's shape", have))
			}
		}
	}
	return nil
}

// with are the words that entries are bound to on an axis.
func (s shapeSpec) with(axis string) []string {
	var words []string
	for _, image := range s.Images {
		if word := image.With[axis]; word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// families are what values can call images, charts not among them.
func (s shapeSpec) families() []string {
	var all []string
	for _, image := range s.Images {
		if !slices.Contains(all, image.family()) {
			all = append(all, image.family())
		}
	}
	return all
}
