package naming

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// spot is where in an object a string stands.
type spot struct {
	// path leads to it: "spec.template.spec.containers[0].image".
	path string
	// label is what names it: the key, the name of an environment variable, or the flag
	// before it in a list of arguments.
	label string
	// parts says that there is no such string: the image lies there in parts.
	parts bool
}

// visit calls see for each string in value. Maps are visited in the order of their keys, so
// that results do not change from run to run.
func visit(at spot, value any, see func(at spot, text string)) {
	switch value := value.(type) {
	case string:
		see(at, value)
	case []any:
		label := at.label
		for i, element := range value {
			visit(spot{path: fmt.Sprintf("%s[%d]", at.path, i), label: label}, element, see)
			if label = at.label; isFlag(element) {
				label = element.(string)
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(value) {
			visit(spot{path: strings.TrimPrefix(at.path+"."+key, "."), label: labelOf(value, key)}, value[key], see)
		}
	}
}

func sortedKeys(value map[string]any) []string { return slices.Sorted(maps.Keys(value)) }

// isFlag tells whether an argument's value is the argument after it: "--image".
func isFlag(argument any) bool {
	text, _ := argument.(string)
	return strings.HasPrefix(text, "-") && !strings.ContainsAny(text, "= ")
}

// labelOf is the key, or the name that stands beside a value.
func labelOf(in map[string]any, key string) string {
	if name, ok := in["name"].(string); ok && key == "value" {
		return name
	}
	return key
}
