package naming

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Strings that are larger, or do not look as if parts lay in them, are not read as documents.
const mostDocumentBytes = 1 << 20

var partsPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[\s"'{,])(?:tag|digest)["']?\s*:`)
})

// escapedPattern finds characters of names and keys that are written otherwise than they read: some
// write each / in JSON as \/, and any may be written as its number. Others, \u003c above all, are in every
// second document.
var escapedPattern = sync.OnceValue(func() *regexp.Regexp {
	const number = `(?:2[dDeEfF]|3[0-9aA]|4[0-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])` // - . / 0 : @ A _ a z
	return regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\\(?:/|(?:u00|x|U000000)` + number + `)`)
})

// pairPattern finds a backslash with what it stands before.
var pairPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\\.`) })

// documents are the maps and lists that a string holds as JSON or YAML; none where it is neither. What
// has a key twice is read once with the first value and once with the last, for which of them counts is
// up to whoever reads it.
func documents(text string) []any {
	isOne := (strings.Contains(text, "repository") || strings.Contains(text, "mage")) && partsPattern().MatchString(text)
	if len(text) > mostDocumentBytes || !isOne && !escapedPattern().MatchString(text) {
		return nil
	}
	text = pairPattern().ReplaceAllStringFunc(text, func(pair string) string {
		if pair == `\/` { // the parser does not know it
			return "/"
		}
		return pair
	})
	found, ambiguous := read(text, keepLast)
	if ambiguous {
		again, _ := read(text, keepFirst)
		found = append(found, again...)
	}
	return found
}

// read is every document up to the first that is none.
func read(text string, keep func(mapping *yaml.Node) bool) (found []any, ambiguous bool) {
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var node yaml.Node
		var document any
		err := decoder.Decode(&node)
		if err == nil {
			ambiguous = each(&node, keep) || ambiguous
			err = node.Decode(&document)
		}
		if err != nil { // the end, or no document
			return found, ambiguous
		}
		switch document.(type) {
		case map[string]any, []any:
			found = append(found, document)
		}
	}
}

// each has keep take the keys that are there twice out of all mappings, and tells whether there were any.
func each(node *yaml.Node, keep func(mapping *yaml.Node) bool) bool {
	some := node.Kind == yaml.MappingNode && keep(node)
	for _, child := range node.Content {
		some = each(child, keep) || some
	}
	return some
}

func keepFirst(mapping *yaml.Node) bool {
	seen := make(map[string]bool, len(mapping.Content)/2)
	var kept []*yaml.Node
	for pair := range slices.Chunk(mapping.Content, 2) {
		if key := pair[0]; key.Kind != yaml.ScalarNode || !seen[key.Value] {
			seen[key.Value] = true
			kept = append(kept, pair...)
		}
	}
	twice := len(kept) < len(mapping.Content)
	mapping.Content = kept
	return twice
}

func keepLast(mapping *yaml.Node) bool {
	slices.Reverse(mapping.Content) // pairs too, value before key
	swap(mapping.Content)
	twice := keepFirst(mapping)
	slices.Reverse(mapping.Content)
	swap(mapping.Content)
	return twice
}

// swap makes pairs of value and key such of key and value.
func swap(content []*yaml.Node) {
	for pair := range slices.Chunk(content, 2) {
		pair[0], pair[1] = pair[1], pair[0]
	}
}
