package chart

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
			visit(spot{fmt.Sprintf("%s[%d]", at.path, i), label}, element, see)
			if label = at.label; isFlag(element) {
				label = element.(string)
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(value) {
			visit(spot{strings.TrimPrefix(at.path+"."+key, "."), labelOf(value, key)}, value[key], see)
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

// copyValues is a deep copy, for helm alters the values that it is given.
func copyValues(values map[string]any) map[string]any {
	return mapValues(values, func(value any) any { return value })
}

// mapValues is a deep copy in which everything but maps and lists is replaced.
func mapValues(values map[string]any, replace func(any) any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, value := range values {
		copied[key] = mapValue(value, replace)
	}
	return copied
}

func mapValue(value any, replace func(any) any) any {
	switch value := value.(type) {
	case map[string]any:
		return mapValues(value, replace)
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = mapValue(element, replace)
		}
		return copied
	default:
		return replace(value)
	}
}
