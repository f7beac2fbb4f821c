package versions

import (
	"fmt"
	"strings"
)

// Cluster is what is known of a product in a cluster. The zero value knows nothing special.
type Cluster struct {
	// Namespace and HelmRelease are where it usually is; never empty for a product of a
	// catalogue. PullSecret is the usual name of its pull secret; it may be empty.
	Namespace, HelmRelease, PullSecret string
	// Databases are the kinds of databases; none where every custom resource has to be taken
	// for one.
	Databases []Kind
	// Offers are the kinds whose objects are what users pick images from.
	Offers []Kind
	// Probe is an object that it accepts if it works, by which others that require it can tell;
	// nil where there is none. It is not to be changed.
	Probe map[string]any
	// Requires are the products that it does not work without, by name, whatever is taken of it;
	// Chart.Requires are those of a single chart.
	Requires []string
}

// Kind is a kind of objects in a cluster.
type Kind struct {
	Group, Kind string
	// Image is the path of the images in such an object, "spec.images[*].image"; empty where
	// none is known.
	Image string
	// Version is the path of the PostgreSQL version beside it; empty where none is known.
	Version string
	// PullSecretAt is where such an object names its pull secret; empty where that is not known.
	PullSecretAt string
}

// Accept is a place in a product's manifests that may name what is not relocated.
type Accept struct {
	// Kind, Namespace and Name are of the object; Namespace may be empty, for any, and Name "*".
	Kind, Namespace, Name string
	// Path is the field, or one that it lies in.
	Path string
	// Why is the reason.
	Why string
}

// IsList tells whether such an object lists several images.
func (k Kind) IsList() bool { return strings.Contains(k.Image, anyElement) }

// anyElement stands for every element of a list in a path.
const anyElement = "[*]"

// ListPath is where the list is in such an object, and where the image is in one of its elements.
func (k Kind) ListPath() (list, field []string) {
	before, after, _ := strings.Cut(k.Image, anyElement)
	return strings.Split(before, "."), strings.Split(strings.TrimPrefix(after, "."), ".")
}

// Texts are what stands at a path of such an object, which may go through one list: by the
// element's path, "spec.images[0]", or by nothing for a path without a list.
func (k Kind) Texts(object map[string]any, path string) map[string]string {
	before, after, isList := strings.Cut(path, anyElement)
	found := map[string]string{}
	if !isList {
		if text := textAt(object, path); text != "" {
			found[""] = text
		}
		return found
	}
	list, _ := valueAt(object, before).([]any)
	for i, element := range list {
		if text := textAt(element, strings.TrimPrefix(after, ".")); text != "" {
			found[fmt.Sprintf("%s[%d]", before, i)] = text
		}
	}
	return found
}

func textAt(object any, path string) string {
	switch value := valueAt(object, path).(type) {
	case nil, map[string]any, []any:
		return ""
	default:
		return fmt.Sprint(value)
	}
}

func valueAt(object any, path string) any {
	if path == "" {
		return nil
	}
	for key := range strings.SplitSeq(path, ".") {
		table, _ := object.(map[string]any)
		object = table[key]
	}
	return object
}
