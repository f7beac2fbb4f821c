package chart

import (
	"fmt"
	"sort"
	"strings"
)

// visit calls see for each string in value with its path, "spec.template.spec.containers[0].image".
// Maps are visited in the order of their keys, so that results do not change from run to run.
func visit(path string, value any, see func(path, text string)) {
	switch value := value.(type) {
	case string:
		see(path, value)
	case []any:
		for i, element := range value {
			visit(fmt.Sprintf("%s[%d]", path, i), element, see)
		}
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			visit(strings.TrimPrefix(path+"."+key, "."), value[key], see)
		}
	}
}

// copyValues is a deep copy, for helm alters the values that it is given.
func copyValues(values map[string]any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, value := range values {
		copied[key] = copyValue(value)
	}
	return copied
}

func copyValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return copyValues(value)
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = copyValue(element)
		}
		return copied
	default:
		return value
	}
}
