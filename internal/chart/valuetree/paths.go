package valuetree

import (
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

// The functions below follow paths as versions.Value.Path gives them: keys of maps, and the
// numbers of a list's elements in brackets.

// indexOf is the number of a list's element.
func indexOf(element string) (int, bool) {
	if !valuepath.IsIndex(element) {
		return 0, false
	}
	n, err := strconv.Atoi(strings.Trim(element, "[]"))
	return n, err == nil && n < valuepath.LongestList
}

// LookUp is what a path leads to; nil where it leads nowhere.
func LookUp(values any, path []string) any {
	for _, element := range path {
		values, _ = child(values, element)
	}
	return values
}

// Has tells whether a path leads to something, be it null.
func Has(values any, path []string) bool {
	there := true
	for _, element := range path {
		if values, there = child(values, element); !there {
			return false
		}
	}
	return there
}

func child(values any, element string) (any, bool) {
	if n, ok := indexOf(element); ok {
		list, _ := values.([]any)
		if n >= len(list) {
			return nil, false
		}
		return list[n], true
	}
	table, _ := values.(map[string]any)
	inner, ok := table[element]
	return inner, ok
}

// SetIn is values with value at the end of a path. A list that is not there yet is that of the
// defaults, for helm replaces lists as a whole.
func SetIn(values, defaults any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	below, _ := child(defaults, path[0])
	n, isIndex := indexOf(path[0])
	if !isIndex {
		table, ok := values.(map[string]any)
		if !ok {
			table = map[string]any{}
		}
		table[path[0]] = SetIn(table[path[0]], below, path[1:], value)
		return table
	}
	list, ok := values.([]any)
	if !ok {
		like, _ := defaults.([]any)
		list, _ = mapValue(like, func(v any) any { return v }).([]any)
	}
	for len(list) <= n {
		list = append(list, nil)
	}
	list[n] = SetIn(list[n], below, path[1:], value)
	return list
}

// Unset takes out what a path leads to. Elements of lists stay, as null.
func Unset(values any, path []string) {
	for len(path) > 1 {
		values, _ = child(values, path[0])
		path = path[1:]
	}
	if n, ok := indexOf(path[0]); ok {
		if list, _ := values.([]any); n < len(list) {
			list[n] = nil
		}
		return
	}
	if table, ok := values.(map[string]any); ok {
		delete(table, path[0])
	}
}
