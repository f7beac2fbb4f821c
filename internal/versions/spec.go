package versions

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/document"
)

// The types below are a catalogue file as it is written; docs/catalogue.md explains
// every key. They become a Product once all files have been merged.

type productSpec struct {
	Product    string                 `yaml:"product"`
	Title      string                 `yaml:"title,omitempty"`
	Notice     string                 `yaml:"notice,omitempty"`
	Target     string                 `yaml:"target"`
	Registries map[string]string      `yaml:"registries"`
	Cluster    *clusterSpec           `yaml:"cluster,omitempty"`
	Accept     []acceptSpec           `yaml:"accept,omitempty"`
	Discover   *discoverSpec          `yaml:"discover,omitempty"`
	Shapes     map[string]shapeSpec   `yaml:"shapes"`
	Releases   map[string]releaseSpec `yaml:"releases"`
}

// clusterSpec is what a product is in a cluster.
type clusterSpec struct {
	Namespace   string         `yaml:"namespace,omitempty"`
	HelmRelease string         `yaml:"helmRelease,omitempty"`
	PullSecret  string         `yaml:"pullSecret,omitempty"`
	Databases   []kindSpec     `yaml:"databases,omitempty"`
	Offers      []kindSpec     `yaml:"offers,omitempty"`
	Probe       any            `yaml:"probe,omitempty"`
	Requires    []requiresSpec `yaml:"requires,omitempty"`
}

// kindSpec is a kind of objects, and the path of the images in them.
type kindSpec struct {
	Group        string `yaml:"group"`
	Kind         string `yaml:"kind"`
	Image        string `yaml:"image,omitempty"`
	Version      string `yaml:"version,omitempty"`
	PullSecretAt string `yaml:"pullSecretAt,omitempty"`
}

// requiresSpec is another product that has to be in the cluster.
type requiresSpec struct {
	Product string `yaml:"product"`
}

// acceptSpec is a place that may name what is not relocated.
type acceptSpec struct {
	Kind      string `yaml:"kind"`
	Namespace string `yaml:"namespace,omitempty"`
	Name      string `yaml:"name,omitempty"`
	Path      string `yaml:"path"`
	Why       string `yaml:"why"`
}

// discoverSpec says how releases are found that no catalogue has.
type discoverSpec struct {
	Images []string `yaml:"images,omitempty"`
	Render *bool    `yaml:"render,omitempty"`
}

// shapeSpec is what many releases have in common.
type shapeSpec struct {
	Registry string              `yaml:"registry,omitempty"`
	Axes     map[string]axisSpec `yaml:"axes,omitempty"`
	Images   []imageSpec         `yaml:"images,omitempty"`
	Charts   []chartSpec         `yaml:"charts,omitempty"`
}

// axisSpec is a direction, beside the versions, in which images differ.
type axisSpec struct {
	Values  []string          `yaml:"values,omitempty"`
	Default []string          `yaml:"default,omitempty"`
	Write   map[string]string `yaml:"write,omitempty"`
}

// imageSpec is an image, or a whole family of them over its axes.
type imageSpec struct {
	Name       string            `yaml:"name"`
	Group      string            `yaml:"group,omitempty"`
	Registry   string            `yaml:"registry,omitempty"`
	Repository template          `yaml:"repository"`
	Tag        template          `yaml:"tag,omitempty"`
	As         string            `yaml:"as,omitempty"`
	Axes       []string          `yaml:"axes,omitempty"`
	With       map[string]string `yaml:"with,omitempty"`
	Called     template          `yaml:"called,omitempty"`
	Optional   bool              `yaml:"optional,omitempty"`
}

// chartSpec is a chart: an artifact of a registry, or one of a classic repository.
type chartSpec struct {
	Name       string   `yaml:"name"`
	Registry   string   `yaml:"registry,omitempty"`
	Repository template `yaml:"repository,omitempty"`
	Tag        template `yaml:"tag,omitempty"`
	URL        string   `yaml:"url,omitempty"`
	Chart      string   `yaml:"chart,omitempty"`
	As         string   `yaml:"as,omitempty"`
	Optional   bool     `yaml:"optional,omitempty"`
	// HelmRelease is of a chart beside the operator's; its name where it is empty.
	HelmRelease string       `yaml:"helmRelease,omitempty"`
	Values      []valueSpec  `yaml:"values,omitempty"`
	Objects     []objectSpec `yaml:"objects,omitempty"`
}

// valueSpec is one of a chart's values.
type valueSpec struct {
	At    template `yaml:"at"`
	Value any      `yaml:"value,omitempty"`
	JSON  any      `yaml:"json,omitempty"`
	Each  string   `yaml:"each,omitempty"`
	None  any      `yaml:"none,omitempty"`
}

// objectSpec is an object that lists images, and is installed beside those of the chart.
type objectSpec struct {
	Object any    `yaml:"object"`
	Each   string `yaml:"each"`
	At     string `yaml:"at"`
	Entry  any    `yaml:"entry"`
}

type releaseSpec struct {
	Shape    string                  `yaml:"shape,omitempty"`
	Registry string                  `yaml:"registry,omitempty"`
	Note     string                  `yaml:"note,omitempty"`
	Versions []versionSpec           `yaml:"versions,omitempty"`
	Axes     map[string][]string     `yaml:"axes,omitempty"`
	Vars     map[string]string       `yaml:"vars,omitempty"`
	Tags     map[string]template     `yaml:"tags,omitempty"`
	Images   map[string]overrideSpec `yaml:"images,omitempty"`
}

// overrideSpec is what is different about an image, or a chart, in one release.
type overrideSpec struct {
	Registry   string   `yaml:"registry,omitempty"`
	Repository template `yaml:"repository,omitempty"`
	Tag        template `yaml:"tag,omitempty"`
	Without    bool     `yaml:"without,omitempty"`
}

// versionSpec is written as 17.5, or as {version: 17.5, editions: [full]}: what a version has
// on an axis stands under the axis' name.
type versionSpec struct {
	Version Version
	Axes    map[string][]string
}

// editionAxis is the axis that users name with a setting of its own.
const editionAxis = "edition"

// UnmarshalYAML reads both ways of writing. It takes the node's own text, since YAML
// reads 17.10 as the number 17.1.
func (v *versionSpec) UnmarshalYAML(node *yaml.Node) error {
	*v = versionSpec{}
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

func (v *versionSpec) setVersion(node *yaml.Node) (err error) {
	if v.Version, err = ParseVersion(node.Value); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}

func (v *versionSpec) set(key string, node *yaml.Node) error {
	switch {
	case key == "version":
		return v.setVersion(node)
	case node.Kind == yaml.ScalarNode && key != "editions":
		return fmt.Errorf("line %d: %w", node.Line, unknown(key, "a key of the version", []string{"editions", "version"}))
	case node.Kind != yaml.SequenceNode:
		return fmt.Errorf("line %d: %s: write a list of what the version has", node.Line, key)
	}
	if key == "editions" {
		key = editionAxis
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
func (v versionSpec) MarshalYAML() (any, error) {
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
	return fmt.Errorf("line %d: %w", stray.Line, unknown(stray.Key, where, stray.Known))
}
