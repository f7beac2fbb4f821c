package versions

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
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

// checkKeys finds keys that a type does not have and names the nearest that it has.
func checkKeys(node *yaml.Node, t reflect.Type, where string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return checkKeys(node, t.Elem(), where)
	case t.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode:
		for _, element := range node.Content {
			if err := checkKeys(element, t.Elem(), where); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Map && node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := checkKeys(node.Content[i+1], t.Elem(), where+"."+node.Content[i].Value); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && node.Kind == yaml.MappingNode && t != reflect.TypeFor[versionSpec]():
		return checkStruct(node, t, where)
	}
	return nil
}

func checkStruct(node *yaml.Node, t reflect.Type, where string) error {
	fields := map[string]reflect.Type{}
	var names []string
	for _, field := range reflect.VisibleFields(t) {
		fields[field.Tag.Get("yaml")] = field.Type
		names = append(names, field.Tag.Get("yaml"))
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		field, ok := fields[key.Value]
		if !ok {
			slices.Sort(names)
			return fmt.Errorf("line %d: %w", key.Line, unknown(key.Value, "a key of "+where, names))
		}
		if err := checkKeys(value, field, strings.TrimPrefix(where+"."+key.Value, "the file.")); err != nil {
			return err
		}
	}
	return nil
}
