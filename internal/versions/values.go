package versions

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Form says how a chart's value names an image.
type Form string

// The forms in which charts name images.
const (
	// FormReference is HOST/REPOSITORY:TAG.
	FormReference Form = "reference"
	// FormRepository is HOST/REPOSITORY; the chart appends the tag.
	FormRepository Form = "repository"
	// FormRegistry is HOST, FormPath the repository below it, FormTag the tag, for
	// charts that keep them apart.
	FormRegistry Form = "registry"
	FormPath     Form = "path"
	FormTag      Form = "tag"
)

// SecretForm says how a chart's value names the pull secret.
type SecretForm string

// The forms in which charts name pull secrets.
const (
	// SecretName is a string.
	SecretName SecretForm = "name"
	// SecretNames is a list of strings.
	SecretNames SecretForm = "names"
	// SecretObjects is a list of objects with a key "name".
	SecretObjects SecretForm = "objects"
)

// Value is one of a chart's values that has to change when its images move: either Image
// and Form are set, or PullSecret is.
type Value struct {
	// Path leads to the value: {"image", "repository"}. Its elements may contain dots.
	Path []string
	// Image is which image the value names: "operator", "instance", or the name of an
	// extra. Where the image was not relocated the value stays as it is.
	Image string
	Form  Form
	// PullSecret says that the value names the pull secret, and how.
	PullSecret SecretForm
}

// Names tells whether the value names an artifact.
func (v Value) Names(a Artifact) bool {
	switch a.Role {
	case RoleExtra:
		return v.Image == a.Extra
	case RoleOperator, RoleInstance:
		return v.Image == string(a.Role)
	default:
		return false
	}
}

// Key is the path with dots between its elements, as helm's --set takes it.
func (v Value) Key() string {
	escaped := make([]string, len(v.Path))
	for i, element := range v.Path {
		escaped[i] = strings.ReplaceAll(element, ".", `\.`)
	}
	return strings.Join(escaped, ".")
}

// Of is a reference in the value's form; empty where the value does not name an image.
func (v Value) Of(r ref.Reference) string {
	switch v.Form {
	case FormReference:
		return r.String()
	case FormRepository:
		return r.Name()
	case FormRegistry:
		return r.Host
	case FormPath:
		return r.Repository
	case FormTag:
		return r.Tag
	default:
		return ""
	}
}

// splitKey is Key read backwards: dots separate, `\.` is a dot.
func splitKey(key string) []string {
	const dot = "\x00"
	elements := strings.Split(strings.ReplaceAll(key, `\.`, dot), ".")
	for i := range elements {
		elements[i] = strings.ReplaceAll(elements[i], dot, ".")
	}
	return elements
}
