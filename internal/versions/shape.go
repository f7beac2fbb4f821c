package versions

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// checkShape finds what is wrong with a shape before any release uses it.
func (c *compiler) checkShape(s shapeSpec) error {
	if _, err := c.registry(s.Registry); err != nil {
		return err
	}
	for _, name := range []string{"chart", "operator"} {
		if spec := s.image(name); spec != nil {
			if err := c.checkImage(*spec); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Extras)) {
		if !namePattern.MatchString(name) || isReserved(name) {
			return fmt.Errorf("extras: %s is no name for an extra", ref.Quote(name))
		}
		if err := c.checkImage(s.Extras[name]); err != nil {
			return fmt.Errorf("extras.%s: %w", name, err)
		}
	}
	if err := c.checkInstances(s.Instances); err != nil {
		return fmt.Errorf("instances: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		if err := checkValue(key, s.Values[key], s); err != nil {
			return fmt.Errorf("values.%s: %w", key, err)
		}
	}
	return nil
}

// isReserved tells whether a name stands for something else where extras are named.
func isReserved(name string) bool {
	return slices.Contains([]string{"chart", "operator", "instance", allWord, noneWord}, name)
}

func (s shapeSpec) image(name string) *imageSpec {
	switch name {
	case "chart":
		return s.Chart
	case "operator":
		return s.Operator
	default:
		if spec, ok := s.Extras[name]; ok {
			return &spec
		}
		return nil
	}
}

func (c *compiler) checkImage(spec imageSpec) error {
	if spec.Registry != "" {
		if _, err := c.registry(spec.Registry); err != nil {
			return err
		}
	}
	if err := ref.CheckRepository("", spec.Repository); err != nil {
		return fmt.Errorf("repository: %w", err)
	}
	if err := spec.Tag.check("release"); err != nil {
		return fmt.Errorf("tag: %w", err)
	}
	return nil
}

func (c *compiler) checkInstances(specs []instanceSpec) error {
	seen := map[Edition]bool{}
	for _, spec := range specs {
		if err := c.checkInstance(spec); err != nil {
			return err
		}
		switch {
		case seen[spec.Edition]:
			return fmt.Errorf("the edition %s is there twice", ref.Quote(string(spec.Edition)))
		case spec.Edition == "" && len(specs) > 1:
			return errors.New("each of several needs an edition")
		case spec.Edition != "" && !namePattern.MatchString(string(spec.Edition)):
			return fmt.Errorf("%s is no name for an edition", ref.Quote(string(spec.Edition)))
		}
		seen[spec.Edition] = true
	}
	return nil
}

func (c *compiler) checkInstance(spec instanceSpec) error {
	if err := c.checkImage(imageSpec{Registry: spec.Registry, Repository: spec.Repository}); err != nil {
		return err
	}
	if spec.Tag == "" {
		return errors.New("tag: it is missing")
	}
	if err := spec.Tag.check("release", "version", "major"); err != nil {
		return fmt.Errorf("tag: %w", err)
	}
	if err := spec.Name.check("release", "version", "major"); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	return nil
}

// checkTags finds tags of images that the shape does not have.
func checkTags(s shapeSpec, tags map[string]template) error {
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if s.image(name) == nil {
			have := append([]string{"chart", "operator"}, slices.Sorted(maps.Keys(s.Extras))...)
			return fmt.Errorf("tags: %w", unknown(name, "an image of the shape", have))
		}
		if err := tags[name].check("release"); err != nil {
			return fmt.Errorf("tags.%s: %w", name, err)
		}
	}
	return nil
}

func checkValue(key string, v valueSpec, s shapeSpec) error {
	if slices.Contains(splitKey(key), "") {
		return errors.New(`the key has an empty element; write "\." for a dot that belongs to a name`)
	}
	if v.PullSecret != "" {
		if v.Image != "" || v.Form != "" {
			return errors.New("it names an image or the pull secret, not both")
		}
		return oneOf("pullSecret", v.PullSecret, SecretName, SecretNames, SecretObjects)
	}
	if err := oneOf("form", v.Form, FormReference, FormRepository, FormRegistry, FormPath, FormTag); err != nil {
		return err
	}
	images := slices.Sorted(maps.Keys(s.Extras))
	if s.Operator != nil {
		images = append(images, "operator")
	}
	if len(s.Instances) > 0 {
		images = append(images, "instance")
	}
	if !slices.Contains(images, v.Image) {
		return fmt.Errorf("image: %w", unknown(v.Image, "an image of the shape", images))
	}
	return nil
}

func oneOf[S ~string](key string, word S, known ...S) error {
	if slices.Contains(known, word) {
		return nil
	}
	have := make([]string, len(known))
	for i, k := range known {
		have[i] = string(k)
	}
	return fmt.Errorf("%s: %w", key, unknown(string(word), "known here", have))
}
