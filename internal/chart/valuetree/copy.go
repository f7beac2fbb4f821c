package valuetree

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
