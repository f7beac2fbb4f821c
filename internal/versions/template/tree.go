package template

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// wordPattern finds placeholders in texts that may hold other braces.
var wordPattern = regexp.MustCompile(`\{[A-Za-z][0-9A-Za-z_.-]*\}`)

// ExpandTree fills the placeholders of all texts in. A text that is a number's placeholder alone
// becomes a number.
func ExpandTree(tree any, b Blanks) any {
	switch tree := tree.(type) {
	case string:
		if tree == "{major}" || tree == "{minor}" {
			if n, err := strconv.Atoi(b[strings.Trim(tree, "{}")]); err == nil {
				return int64(n)
			}
		}
		return wordPattern.ReplaceAllStringFunc(tree, func(found string) string {
			if text, ok := b[strings.Trim(found, "{}")]; ok {
				return text
			}
			return found
		})
	case []any:
		list := make([]any, len(tree))
		for i, item := range tree {
			list[i] = ExpandTree(item, b)
		}
		return list
	case map[string]any:
		table := make(map[string]any, len(tree))
		for key, item := range tree {
			table[key] = ExpandTree(item, b)
		}
		return table
	default:
		return tree
	}
}

// EachWord visits the placeholders of all texts in a tree, in their order.
func EachWord(tree any, visit func(word string)) {
	switch tree := tree.(type) {
	case string:
		for _, found := range wordPattern.FindAllString(tree, -1) {
			visit(strings.Trim(found, "{}"))
		}
	case []any:
		for _, item := range tree {
			EachWord(item, visit)
		}
	case map[string]any:
		for _, key := range sortedKeys(tree) {
			EachWord(tree[key], visit)
		}
	}
}

func sortedKeys(table map[string]any) []string {
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
