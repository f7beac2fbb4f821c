package survey

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// path leads to a value: keys of maps, which are strings, and places in lists, which are ints.
type path []any

// Key is the path as helm's --set takes it: extraEnv[0].value.
func (p path) key() string {
	var key strings.Builder
	for i, element := range p {
		switch element := element.(type) {
		case int:
			key.WriteString("[" + strconv.Itoa(element) + "]")
		case string:
			if i > 0 {
				key.WriteByte('.')
			}
			key.WriteString(escaped.Replace(element))
		}
	}
	return key.String()
}

var escaped = strings.NewReplacer(`\`, `\\`, ".", `\.`, ",", `\,`, "=", `\=`, "[", `\[`, "]", `\]`)

// last is the key that names the value; a list's elements have the list's.
func (p path) last() string {
	for i := len(p) - 1; i >= 0; i-- {
		if name, ok := p[i].(string); ok {
			return name
		}
	}
	return ""
}

// isGlobalCopy tells whether a value is the copy that helm makes of a global one for a subchart.
func (p path) isGlobalCopy() bool { return slices.Index(p, any("global")) > 0 }

// visit calls see for everything in value that is neither a map nor a list, in a fixed order.
func visit(at path, value any, see func(at path, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			visit(append(slices.Clip(at), key), value[key], see)
		}
	case []any:
		for i, element := range value {
			visit(append(slices.Clip(at), i), element, see)
		}
	default:
		see(at, value)
	}
}

// with lays values over others, which stay as they are. Helm replaces lists as a whole, so that
// one of which an element changes is taken from all values.
func with(values, all map[string]any, changes []change) map[string]any {
	made, _ := deepCopy(values).(map[string]any)
	for _, c := range changes {
		put(made, all, c.at, c.value)
	}
	return made
}

// change is a value to be.
type change struct {
	at    path
	value any
}

func put(into, all map[string]any, at path, value any) {
	key, ok := at[0].(string)
	if !ok {
		return // values begin with a map
	}
	if len(at) == 1 {
		into[key] = value
		return
	}
	if _, list := at[1].(int); list {
		if _, mine := into[key].([]any); !mine {
			into[key] = deepCopy(all[key])
		}
		into[key] = inList(into[key], at[1:], value)
		return
	}
	inner, ok := into[key].(map[string]any)
	if !ok {
		inner = map[string]any{}
		into[key] = inner
	}
	below, _ := all[key].(map[string]any)
	put(inner, below, at[1:], value)
}

// inList changes an element of a list; what is not there stays so.
func inList(value any, at path, to any) any {
	if len(at) == 0 {
		return to
	}
	switch element := at[0].(type) {
	case int:
		if list, ok := value.([]any); ok && element < len(list) {
			list[element] = inList(list[element], at[1:], to)
		}
	case string:
		if inner, ok := value.(map[string]any); ok {
			inner[element] = inList(inner[element], at[1:], to)
		}
	}
	return value
}

func deepCopy(value any) any {
	switch value := value.(type) {
	case map[string]any: // nil becomes an empty one
		all := make(map[string]any, len(value))
		for key, inner := range value {
			all[key] = deepCopy(inner)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, inner := range value {
			all[i] = deepCopy(inner)
		}
		return all
	default:
		return value
	}
}

// originOf are the images that values name in parts, a repository beside its tag. Nothing else tells
// Docker Hub's short names in arguments and commands from any two words.
func originOf(values map[string]any) naming.Origin {
	var origin naming.Origin
	var look func(value any)
	look = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if image, ok := inParts(value); ok {
				origin.Images = append(origin.Images, image)
			}
			for _, key := range slices.Sorted(maps.Keys(value)) {
				look(value[key])
			}
		case []any:
			for _, element := range value {
				look(element)
			}
		}
	}
	look(values)
	return origin
}

// inParts reads a map that names an image in parts: repository, and tag and registry beside it.
func inParts(parts map[string]any) (ref.Reference, bool) {
	repository, _ := parts["repository"].(string)
	_, tagged := parts["tag"]
	if repository == "" || !tagged || !strings.Contains(repository, "/") {
		return ref.Reference{}, false
	}
	if registry, _ := parts["registry"].(string); registry != "" {
		repository = registry + "/" + repository
	}
	image, err := ref.ParseImage(repository)
	return image, err == nil && image.Tag == "" && image.Digest == ""
}

// namesRegistry are the keys of values that, where they are empty, may take a registry or an image.
var namesRegistry = regexp.MustCompile(`(?i)(registry|repository|repo|image|hub)$|^(registry|image)`)
