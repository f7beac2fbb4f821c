package versions

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/document"
)

// The types below are a catalogue file as it is written; docs/catalogue.md explains
// every key. They become a Product once all files have been merged.

type productSpec struct {
	Product    string                 `yaml:"product"`
	Title      string                 `yaml:"title"`
	Notice     string                 `yaml:"notice"`
	Target     string                 `yaml:"target"`
	Registries map[string]string      `yaml:"registries"`
	Shapes     map[string]shapeSpec   `yaml:"shapes"`
	Releases   map[string]releaseSpec `yaml:"releases"`
}

// shapeSpec is what many releases have in common.
type shapeSpec struct {
	Registry  string               `yaml:"registry"`
	Chart     *imageSpec           `yaml:"chart"`
	Operator  *imageSpec           `yaml:"operator"`
	Instances []instanceSpec       `yaml:"instances"`
	Extras    map[string]imageSpec `yaml:"extras"`
	Values    map[string]valueSpec `yaml:"values"`
}

type imageSpec struct {
	Registry   string   `yaml:"registry"`
	Repository string   `yaml:"repository"`
	Tag        template `yaml:"tag"`
}

type instanceSpec struct {
	Edition    Edition  `yaml:"edition"`
	Registry   string   `yaml:"registry"`
	Repository string   `yaml:"repository"`
	Tag        template `yaml:"tag"`
	Name       template `yaml:"name"`
}

type valueSpec struct {
	Image      string     `yaml:"image"`
	Form       Form       `yaml:"form"`
	PullSecret SecretForm `yaml:"pullSecret"`
}

type releaseSpec struct {
	Shape    string              `yaml:"shape"`
	Registry string              `yaml:"registry"`
	Note     string              `yaml:"note"`
	Versions []versionSpec       `yaml:"versions"`
	Tags     map[string]template `yaml:"tags"`
}

// versionSpec is written as 17.5, or as {version: 17.5, editions: [full]}.
type versionSpec struct {
	Version  Version
	Editions []Edition
}

// UnmarshalYAML reads both ways of writing. It takes the node's own text, since YAML
// reads 17.10 as the number 17.1.
func (v *versionSpec) UnmarshalYAML(node *yaml.Node) error {
	var long struct {
		Version  yaml.Node `yaml:"version"`
		Editions []Edition `yaml:"editions"`
	}
	switch node.Kind {
	case yaml.ScalarNode:
		long.Version = *node
	case yaml.MappingNode:
		if err := checkKeys(node, reflect.TypeOf(long), "the version"); err != nil {
			return err
		}
		if err := node.Decode(&long); err != nil {
			return err
		}
	default:
		return fmt.Errorf("line %d: write a version as 17.5 or as {version: 17.5, editions: [full]}", node.Line)
	}
	parsed, err := ParseVersion(long.Version.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*v = versionSpec{Version: parsed, Editions: long.Editions}
	return nil
}

// checkKeys finds keys that a type does not have and names the nearest that it has. Whole is
// what node is: "the file".
func checkKeys(node *yaml.Node, t reflect.Type, whole string) error {
	var stray *document.UnknownKeyError
	if err := document.Check(node, document.ShapeOf(t)); !errors.As(err, &stray) {
		return err
	}
	where := "a key of " + cmp.Or(stray.Where, whole)
	return fmt.Errorf("line %d: %w", stray.Line, unknown(stray.Key, where, stray.Known))
}
