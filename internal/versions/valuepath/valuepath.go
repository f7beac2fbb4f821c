// Package valuepath has the keys of a chart's values, as helm's --set takes them: "env[0].value".
// Split and Key go from the text to its elements and back.
package valuepath

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Key is a path with dots between its elements, as helm's --set takes it.
func Key(path []string) string {
	var key strings.Builder
	for i, element := range path {
		if i > 0 && !IsIndex(element) {
			key.WriteByte('.')
		}
		key.WriteString(strings.ReplaceAll(element, ".", `\.`))
	}
	return key.String()
}

// IsIndex tells whether an element of a path is the number of a list's element, "[0]".
func IsIndex(element string) bool { return indexPattern.MatchString(element) }

var indexPattern = regexp.MustCompile(`^\[[0-9]+\]$`)

// Split is Key read backwards: dots separate, `\.` is a dot, and [0] an element of a list.
func Split(key string) []string {
	const dot = "\x00"
	var path []string
	for _, element := range strings.Split(strings.ReplaceAll(key, `\.`, dot), ".") {
		element = strings.ReplaceAll(element, dot, ".")
		var indices []string
		for {
			at := strings.LastIndexByte(element, '[')
			if at < 1 && !(at == 0 && len(path) > 0) || !IsIndex(element[max(at, 0):]) {
				break
			}
			indices = append(indices, element[at:])
			element = element[:at]
		}
		path = append(path, element)
		slices.Reverse(indices)
		path = append(path, indices...)
	}
	return path
}

// What a key comes to at most: a deeper one is an attack or a mistake.
const (
	deepestKey = 32
	// LongestList bounds the lists that a path can call for.
	LongestList = 1000
)

// Check finds what is no key of a value.
func Check(path []string) error {
	if slices.Contains(path, "") {
		return errors.New(`the key has an empty element; write "\." for a dot that belongs to a name`)
	}
	if len(path) > deepestKey {
		return fmt.Errorf("the key has more than %d elements", deepestKey)
	}
	for i, element := range path {
		n, err := strconv.Atoi(strings.Trim(element, "[]"))
		switch {
		case !IsIndex(element) && strings.ContainsAny(element, `[]\`):
			return fmt.Errorf("%s is no element of a key; write the number of a list's element as name[0]", ref.Quote(element))
		case IsIndex(element) && i == 0:
			return errors.New("the key begins with the number of an element, and values are no list")
		case IsIndex(element) && (err != nil || n >= LongestList):
			return fmt.Errorf("%s is beyond the end of any list", element)
		}
	}
	return nil
}
