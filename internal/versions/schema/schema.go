// Package schema has catalogue files as they are written; docs/catalogue.md explains every key.
// Parse reads one, strictly, Merged lays several of one product over each other, and File writes
// what they say together. What it comes to, compile works out.
package schema

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions/template"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/document"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// Product is a whole catalogue file.
type Product struct {
	Product    string             `yaml:"product"`
	Title      string             `yaml:"title,omitempty"`
	Notice     string             `yaml:"notice,omitempty"`
	Target     string             `yaml:"target"`
	Registries map[string]string  `yaml:"registries"`
	Cluster    *Cluster           `yaml:"cluster,omitempty"`
	Accept     []Accept           `yaml:"accept,omitempty"`
	Discover   *Discover          `yaml:"discover,omitempty"`
	Shapes     map[string]Shape   `yaml:"shapes"`
	Releases   map[string]Release `yaml:"releases"`
}

// Cluster is what a product is in a cluster.
type Cluster struct {
	Namespace   string     `yaml:"namespace,omitempty"`
	HelmRelease string     `yaml:"helmRelease,omitempty"`
	PullSecret  string     `yaml:"pullSecret,omitempty"`
	Databases   []Kind     `yaml:"databases,omitempty"`
	Offers      []Kind     `yaml:"offers,omitempty"`
	Probe       any        `yaml:"probe,omitempty"`
	Requires    []Requires `yaml:"requires,omitempty"`
}

// Kind is a kind of objects, and the path of the images in them.
type Kind struct {
	Group        string `yaml:"group"`
	Kind         string `yaml:"kind"`
	Image        string `yaml:"image,omitempty"`
	Version      string `yaml:"version,omitempty"`
	PullSecretAt string `yaml:"pullSecretAt,omitempty"`
}

// Requires is another product that has to be in the cluster: for all of a product, or for one of
// its charts.
type Requires struct {
	Product string `yaml:"product"`
}

// Accept is a place that may name what is not relocated.
type Accept struct {
	Kind      string `yaml:"kind"`
	Namespace string `yaml:"namespace,omitempty"`
	Name      string `yaml:"name,omitempty"`
	Path      string `yaml:"path"`
	Why       string `yaml:"why"`
}

// Discover says how releases are found that no catalogue has.
type Discover struct {
	Images []string `yaml:"images,omitempty"`
	Render *bool    `yaml:"render,omitempty"`
}

// Shape is what many releases have in common.
type Shape struct {
	Registry string          `yaml:"registry,omitempty"`
	Axes     map[string]Axis `yaml:"axes,omitempty"`
	Images   []Image         `yaml:"images,omitempty"`
	Charts   []Chart         `yaml:"charts,omitempty"`
}

// Axis is a direction, beside the versions, in which images differ.
type Axis struct {
	Values  []string          `yaml:"values,omitempty"`
	Default []string          `yaml:"default,omitempty"`
	Write   map[string]string `yaml:"write,omitempty"`
}

// Image is an image, or a whole family of them over its axes.
type Image struct {
	Name       string            `yaml:"name"`
	Group      string            `yaml:"group,omitempty"`
	Registry   string            `yaml:"registry,omitempty"`
	Repository template.Template `yaml:"repository"`
	Tag        template.Template `yaml:"tag,omitempty"`
	As         string            `yaml:"as,omitempty"`
	Axes       []string          `yaml:"axes,omitempty"`
	With       map[string]string `yaml:"with,omitempty"`
	Called     template.Template `yaml:"called,omitempty"`
	Optional   bool              `yaml:"optional,omitempty"`
}

// Chart is a chart: an artifact of a registry, or one of a classic repository.
type Chart struct {
	Name       string            `yaml:"name"`
	Registry   string            `yaml:"registry,omitempty"`
	Repository template.Template `yaml:"repository,omitempty"`
	Tag        template.Template `yaml:"tag,omitempty"`
	URL        string            `yaml:"url,omitempty"`
	Chart      string            `yaml:"chart,omitempty"`
	As         string            `yaml:"as,omitempty"`
	Optional   bool              `yaml:"optional,omitempty"`
	// HelmRelease is of a chart beside the operator's; its name where it is empty.
	HelmRelease string     `yaml:"helmRelease,omitempty"`
	Requires    []Requires `yaml:"requires,omitempty"`
	Values      []Value    `yaml:"values,omitempty"`
	Objects     []Object   `yaml:"objects,omitempty"`
}

// Value is one of a chart's values.
type Value struct {
	At    template.Template `yaml:"at"`
	Value any               `yaml:"value,omitempty"`
	JSON  any               `yaml:"json,omitempty"`
	Each  string            `yaml:"each,omitempty"`
	None  any               `yaml:"none,omitempty"`
}

// Object is an object that lists images, and is installed beside those of the chart.
type Object struct {
	Object any    `yaml:"object"`
	Each   string `yaml:"each"`
	At     string `yaml:"at"`
	Entry  any    `yaml:"entry"`
}

// Release is one release: what it has on the axes of its shape, and what is different about it.
type Release struct {
	Shape    string                       `yaml:"shape,omitempty"`
	Registry string                       `yaml:"registry,omitempty"`
	Note     string                       `yaml:"note,omitempty"`
	Versions []Version                    `yaml:"versions,omitempty"`
	Axes     map[string][]string          `yaml:"axes,omitempty"`
	Vars     map[string]string            `yaml:"vars,omitempty"`
	Tags     map[string]template.Template `yaml:"tags,omitempty"`
	Images   map[string]Override          `yaml:"images,omitempty"`
}

// Override is what is different about an image, or a chart, in one release.
type Override struct {
	Registry   string            `yaml:"registry,omitempty"`
	Repository template.Template `yaml:"repository,omitempty"`
	Tag        template.Template `yaml:"tag,omitempty"`
	Without    bool              `yaml:"without,omitempty"`
}

// Version is written as 17.5, or as {version: 17.5, editions: [full]}: what a version has
// on an axis stands under the axis' name.
type Version struct {
	Version postgres.Version
	Axes    map[string][]string
}

// VersionAxis is the axis of PostgreSQL versions, which every release says for itself, and
// EditionAxis the one that users name with a setting of its own.
const (
	VersionAxis = "version"
	EditionAxis = "edition"
)

// OperatorName is the name of the operator's image, InstanceName the usual one of instances.
const (
	OperatorName = "operator"
	InstanceName = "instance"
)

// Words that are no name of an image: what selections say, and what values do.
const (
	AllWord        = postgres.AllWord
	NoneWord       = "none"
	PullSecretWord = "pullSecret"
)

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// IsName tells whether a product, an image or an axis can be called so.
func IsName(s string) bool { return namePattern.MatchString(s) }

// UnmarshalYAML reads both ways of writing. It takes the node's own text, since YAML
// reads 17.10 as the number 17.1.
func (v *Version) UnmarshalYAML(node *yaml.Node) error {
	*v = Version{}
	switch node.Kind {
	case yaml.ScalarNode:
		return v.setVersion(node)
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := v.set(node.Content[i].Value, node.Content[i+1]); err != nil {
				return err
			}
		}
		if v.Version.IsZero() {
			return fmt.Errorf("line %d: version: it is missing", node.Line)
		}
		return nil
	default:
		return fmt.Errorf("line %d: write a version as 17.5 or as {version: 17.5, editions: [full]}", node.Line)
	}
}

func (v *Version) setVersion(node *yaml.Node) (err error) {
	if v.Version, err = postgres.ParseVersion(node.Value); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}

func (v *Version) set(key string, node *yaml.Node) error {
	switch {
	case key == "version":
		return v.setVersion(node)
	case node.Kind == yaml.ScalarNode && key != "editions":
		return fmt.Errorf("line %d: %w", node.Line, suggest.Unknown(key, "a key of the version", []string{"editions", "version"}))
	case node.Kind != yaml.SequenceNode:
		return fmt.Errorf("line %d: %s: write a list of what the version has", node.Line, key)
	}
	if key == "editions" {
		key = EditionAxis
	}
	if v.Axes == nil {
		v.Axes = map[string][]string{}
	}
	for _, item := range node.Content { // its own text: 3.10 is no number here
		v.Axes[key] = append(v.Axes[key], item.Value)
	}
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (v Version) MarshalYAML() (any, error) {
	if len(v.Axes) == 0 {
		return scalar(v.Version.String()), nil
	}
	long := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	long.Content = append(long.Content, scalar("version"), scalar(v.Version.String()))
	for _, axis := range slices.Sorted(maps.Keys(v.Axes)) {
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, value := range v.Axes[axis] {
			list.Content = append(list.Content, scalar(value))
		}
		long.Content = append(long.Content, scalar(axis), list)
	}
	return long, nil
}

// scalar is a word that is written as it is.
func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// checkKeys finds keys that a type does not have and names the nearest that it has. Whole is
// what node is: "the file".
func checkKeys(node *yaml.Node, t reflect.Type, whole string) error {
	var stray *document.UnknownKeyError
	if err := document.Check(node, document.ShapeOf(t)); !errors.As(err, &stray) {
		return err
	}
	where := "a key of " + cmp.Or(stray.Where, whole)
	return fmt.Errorf("line %d: %w", stray.Line, suggest.Unknown(stray.Key, where, stray.Known))
}
