package schema

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/versions/template"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// The types below are how catalogue files were written before there were axes and several
// charts. Such files are read for good, and become what they would be written as today.

type legacyProduct struct {
	Product    string                   `yaml:"product"`
	Title      string                   `yaml:"title"`
	Notice     string                   `yaml:"notice"`
	Target     string                   `yaml:"target"`
	Registries map[string]string        `yaml:"registries"`
	Shapes     map[string]legacyShape   `yaml:"shapes"`
	Releases   map[string]legacyRelease `yaml:"releases"`
}

type legacyShape struct {
	Registry  string                 `yaml:"registry"`
	Chart     *legacyImage           `yaml:"chart"`
	Operator  *legacyImage           `yaml:"operator"`
	Instances []legacyInstance       `yaml:"instances"`
	Extras    map[string]legacyImage `yaml:"extras"`
	Values    map[string]legacyValue `yaml:"values"`
}

type legacyImage struct {
	Registry   string            `yaml:"registry"`
	Repository template.Template `yaml:"repository"`
	Tag        template.Template `yaml:"tag"`
}

type legacyInstance struct {
	Edition    string            `yaml:"edition"`
	Registry   string            `yaml:"registry"`
	Repository template.Template `yaml:"repository"`
	Tag        template.Template `yaml:"tag"`
	Name       template.Template `yaml:"name"`
}

type legacyValue struct {
	Image      string `yaml:"image"`
	Form       string `yaml:"form"`
	PullSecret string `yaml:"pullSecret"`
}

type legacyRelease struct {
	Shape    string                       `yaml:"shape"`
	Registry string                       `yaml:"registry"`
	Note     string                       `yaml:"note"`
	Versions []Version                    `yaml:"versions"`
	Tags     map[string]template.Template `yaml:"tags"`
}

// isLegacy tells whether a shape of a file has a key of old.
func isLegacy(root *yaml.Node) bool {
	shapes := below(root, "shapes")
	if shapes == nil || shapes.Kind != yaml.MappingNode {
		return false
	}
	for i := 1; i < len(shapes.Content); i += 2 {
		for _, key := range []string{"chart", "operator", "instances", "extras"} {
			if below(shapes.Content[i], key) != nil {
				return true
			}
		}
	}
	return false
}

// below is the value of a key; nil where there is none.
func below(node *yaml.Node, key string) *yaml.Node {
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

// parseLegacy reads a file of old.
func parseLegacy(root *yaml.Node) (Product, error) {
	var old legacyProduct
	if err := checkKeys(root, reflect.TypeOf(old), "the file"); err != nil {
		return Product{}, err
	}
	if err := oneLine(root.Decode(&old)); err != nil {
		return Product{}, err
	}
	spec := Product{
		Product: old.Product, Title: old.Title, Notice: old.Notice, Target: old.Target, Registries: old.Registries,
		Shapes: map[string]Shape{}, Releases: map[string]Release{},
	}
	for name, release := range old.Releases {
		spec.Releases[name] = Release{
			Shape: release.Shape, Registry: release.Registry, Note: release.Note, Versions: release.Versions, Tags: release.Tags,
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old.Shapes)) {
		made, err := old.Shapes[name].convert()
		if err != nil {
			return spec, fmt.Errorf("shapes.%s: %w", name, err)
		}
		spec.Shapes[name] = made
	}
	return spec, nil
}

// legacyChart is the name of the one chart that a shape of old could have.
const legacyChart = "chart"

func (s legacyShape) convert() (Shape, error) {
	made := Shape{Registry: s.Registry}
	if s.Registry == "" {
		return made, errors.New("registry: it is missing; name one of registries")
	}
	if s.Operator != nil {
		made.Images = append(made.Images, Image{Name: OperatorName, Registry: s.Operator.Registry, Repository: s.Operator.Repository, Tag: s.Operator.Tag})
	}
	instances, err := s.instances()
	if err != nil {
		return made, fmt.Errorf("instances: %w", err)
	}
	made.Images = append(made.Images, instances...)
	for _, name := range slices.Sorted(maps.Keys(s.Extras)) {
		if slices.Contains([]string{legacyChart, OperatorName, InstanceName, AllWord, NoneWord}, name) {
			return made, fmt.Errorf("extras: %s is no name for an extra", ref.Quote(name))
		}
		extra := s.Extras[name]
		made.Images = append(made.Images, Image{Name: name, Registry: extra.Registry, Repository: extra.Repository, Tag: extra.Tag})
	}
	var values []Value
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		value, err := s.Values[key].convert(key)
		if err != nil {
			return made, fmt.Errorf("values.%s: %w", key, err)
		}
		values = append(values, value)
	}
	if s.Chart == nil && len(values) == 0 {
		return made, nil
	}
	chart := Chart{Name: legacyChart, Repository: "chart", Values: values}
	if s.Chart != nil {
		chart.Registry, chart.Repository, chart.Tag = s.Chart.Registry, s.Chart.Repository, s.Chart.Tag
	}
	made.Charts = []Chart{chart}
	return made, nil
}

// instances are one family, with an entry for each edition.
func (s legacyShape) instances() ([]Image, error) {
	var made []Image
	seen := map[string]bool{}
	for i, old := range s.Instances {
		switch {
		case seen[old.Edition]:
			return nil, fmt.Errorf("the edition %s is there twice", ref.Quote(old.Edition))
		case old.Edition == "" && len(s.Instances) > 1:
			return nil, errors.New("each of several needs an edition")
		case old.Edition != "" && !IsName(old.Edition):
			return nil, fmt.Errorf("%s is no name for an edition", ref.Quote(old.Edition))
		}
		seen[old.Edition] = true
		spec := Image{
			Name: InstanceName, Registry: old.Registry, Repository: old.Repository, Tag: old.Tag,
			Called: old.Name, Axes: []string{VersionAxis},
		}
		if old.Edition != "" {
			spec.With = map[string]string{EditionAxis: old.Edition}
		}
		if i > 0 {
			spec.Name, spec.Group = InstanceName+"-"+old.Edition, InstanceName
		}
		made = append(made, spec)
	}
	return made, nil
}

// forms are the words of old for parts of an image's name.
var forms = map[string]string{"reference": "ref", "repository": "repository", "registry": "host", "path": "path", "tag": "tag"}

func (v legacyValue) convert(key string) (Value, error) {
	made := Value{At: template.Template(key)}
	if v.PullSecret != "" {
		if v.Image != "" || v.Form != "" {
			return made, errors.New("it names an image or the pull secret, not both")
		}
		const secret = "{" + PullSecretWord + "}"
		switch v.PullSecret {
		case "name":
			made.Value = secret
		case "names":
			made.Value = []any{secret}
		case "objects":
			made.Value = []any{map[string]any{"name": secret}}
		default:
			return made, fmt.Errorf("pullSecret: %w", suggest.Unknown(v.PullSecret, "known here", []string{"name", "names", "objects"}))
		}
		return made, nil
	}
	field, ok := forms[v.Form]
	if !ok {
		return made, fmt.Errorf("form: %w", suggest.Unknown(v.Form, "known here", []string{"reference", "repository", "registry", "path", "tag"}))
	}
	made.Value = "{" + v.Image + "." + field + "}"
	return made, nil
}
