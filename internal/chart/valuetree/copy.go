package valuetree

import "maps"

// CopyValues is a deep copy, for helm alters the values that it is given.
func CopyValues(values map[string]any) map[string]any {
	return MapValues(values, func(value any) any { return value })
}

// MapValues is a deep copy in which everything but maps and lists is replaced.
func MapValues(values map[string]any, replace func(any) any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, value := range values {
		copied[key] = mapValue(value, replace)
	}
	return copied
}

func mapValue(value any, replace func(any) any) any {
	switch value := value.(type) {
	case map[string]any:
		return MapValues(value, replace)
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

// Merge lays values over others, map by map: what is null over something is null. Both stay as they are, and the
// result has what is in them.
func Merge(over, under map[string]any) map[string]any {
	merged := make(map[string]any, len(over)+len(under))
	maps.Copy(merged, under)
	for key, value := range over {
		below, isMap := merged[key].(map[string]any)
		if above, ok := value.(map[string]any); ok && isMap {
			value = Merge(above, below)
		}
		merged[key] = value
	}
	return merged
}
