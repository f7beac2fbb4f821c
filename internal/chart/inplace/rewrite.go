package inplace

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
)

// Place is an image in a file.
type Place struct {
	naming.Mention
	// Line is where the string begins that names it, counted from 1.
	Line int

	node *yaml.Node
}

// Places are all images that the file's objects name.
func (f *File) Places(origin naming.Origin) []Place {
	var all []Place
	for _, unit := range f.units {
		nodes := map[string][]*yaml.Node{}
		index(nodes, "", unit.node)
		for _, m := range unit.mentions(origin) {
			place := Place{Mention: m, Line: lineOf(nodes, m.Path)}
			for _, node := range nodes[m.Path] {
				if !m.Parts && node.Value == m.Text {
					place.node, place.Line = node, node.Line
				}
			}
			all = append(all, place)
		}
	}
	return all
}

// lineOf is the line of a path, or of what it lies in: a document in a string has no lines of the file.
func lineOf(nodes map[string][]*yaml.Node, path string) int {
	for path != "" {
		if found := nodes[path]; len(found) > 0 {
			return found[0].Line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

// index notes the nodes below one by their paths, as package chart writes them.
func index(nodes map[string][]*yaml.Node, at string, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode || node.Kind == yaml.MappingNode {
		nodes[at] = append(nodes[at], node)
	}
	switch node.Kind {
	case yaml.AliasNode:
		index(nodes, at, node.Alias)
	case yaml.SequenceNode:
		for i, element := range node.Content {
			index(nodes, at+"["+strconv.Itoa(i)+"]", element)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if key.Tag == "!!merge" {
				index(nodes, at, value)
				continue
			}
			index(nodes, strings.TrimPrefix(at+"."+key.Value, "."), value)
		}
	}
}

// edit is a change to the bytes of a file.
type edit struct {
	from, to int
	text     string
}

// Rewrite gives the file's content with images changed to what to says; an empty name leaves
// one as it is. The result is read again, and says what was wanted and nothing else, or there is an
// error.
func (f *File) Rewrite(origin naming.Origin, to func(naming.Mention) string) ([]byte, error) {
	lines := lineStarts(f.body)
	starts := f.starts(lines)
	edits := map[edit]bool{}
	for _, place := range f.placesToChange(origin, to) {
		name := place.text
		from, ok := f.find(place.Place, lines, starts)
		if !ok {
			return nil, fmt.Errorf("line %d: %s is written there in a way that cannot be changed", place.Line, place.Spelled())
		}
		edits[edit{from, from + len(place.Spelled()), name}] = true
	}
	made, err := f.apply(edits)
	if err != nil {
		return nil, err
	}
	return made, f.check(made, origin, to)
}

// placesToChange are the strings that change, each with its new name: of an image in parts those that
// hold its registry and its repository.
func (f *File) placesToChange(origin naming.Origin, to func(naming.Mention) string) []change {
	var all []change
	for _, unit := range f.units {
		nodes := map[string][]*yaml.Node{}
		index(nodes, "", unit.node)
		for _, m := range unit.mentions(origin) {
			name := to(m)
			if name == "" || m.End == 0 {
				continue
			}
			for _, c := range unit.changes(m, name) {
				for _, node := range nodes[c.Path] {
					if node.Kind == yaml.ScalarNode && node.Value == c.Text {
						c.node, c.Line = node, node.Line
						all = append(all, c)
						break
					}
				}
			}
		}
	}
	return all
}

// apply makes the edits, from the last to the first.
func (f *File) apply(edits map[edit]bool) ([]byte, error) {
	ordered := make([]edit, 0, len(edits))
	for e := range edits {
		ordered = append(ordered, e)
	}
	slices.SortFunc(ordered, func(a, b edit) int { return b.from - a.from })
	made := slices.Clone(f.body)
	for i, e := range ordered {
		if i > 0 && e.to > ordered[i-1].from {
			return nil, fmt.Errorf("two images stand at the same place of the file")
		}
		made = slices.Replace(made, e.from, e.to, []byte(e.text)...)
	}
	return made, nil
}

// find is where in the file's bytes a place's name begins: in its string's part of the file there
// are as many of the same name before it as there are in the string.
func (f *File) find(place Place, lines, starts []int) (int, bool) {
	begin := offsetOf(f.body, lines, place.node)
	end := len(f.body)
	if next, _ := slices.BinarySearch(starts, begin+1); next < len(starts) {
		end = starts[next]
	}
	name := []byte(place.Spelled())
	at := begin
	for range strings.Count(place.Text[:place.Start], string(name)) + 1 {
		found := bytes.Index(f.body[at:end], name)
		if found < 0 {
			return 0, false
		}
		at += found + len(name)
	}
	return at - len(name), true
}

// starts are where nodes begin, in their order.
func (f *File) starts(lines []int) []int {
	var all []int
	var walk func(node *yaml.Node)
	walk = func(node *yaml.Node) {
		if node.Line > 0 {
			all = append(all, offsetOf(f.body, lines, node))
		}
		for _, inner := range node.Content {
			walk(inner)
		}
	}
	for _, document := range f.documents {
		walk(document)
	}
	slices.Sort(all)
	return all
}

// lineStarts are where lines begin, by what YAML takes for the end of one.
func lineStarts(body []byte) []int {
	starts := []int{len(body) - len(bytes.TrimPrefix(body, []byte("\ufeff")))}
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		i += size
		switch r {
		case '\r':
			if i < len(body) && body[i] == '\n' {
				i++
			}
			starts = append(starts, i)
		case '\n', '\u0085', '\u2028', '\u2029':
			starts = append(starts, i)
		}
	}
	return starts
}

// offsetOf is where a node begins; columns are counted in characters.
func offsetOf(body []byte, lines []int, node *yaml.Node) int {
	if node.Line < 1 || node.Line > len(lines) {
		return 0
	}
	at := lines[node.Line-1]
	for range node.Column - 1 {
		_, size := utf8.DecodeRune(body[at:])
		at += size
	}
	return at
}

// check reads the changed file and compares it with the first, string by string.
func (f *File) check(made []byte, origin naming.Origin, to func(naming.Mention) string) error {
	again, err := Parse(made)
	if err != nil {
		return fmt.Errorf("it could not be read any more with the changes: %w", err)
	}
	want := make([]any, len(f.units))
	for i, unit := range f.units {
		want[i] = renamed(origin, unit, to)
	}
	got := make([]any, len(again.units))
	for i, unit := range again.units {
		got[i] = any(unit.object)
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("the changes would change something else too")
	}
	return nil
}

// renamed is an object with its images changed.
func renamed(origin naming.Origin, unit unit, to func(naming.Mention) string) any {
	texts := map[string]string{}
	for _, m := range slices.Backward(unit.mentions(origin)) { // so that places in one string stay where they are
		name := to(m)
		if name == "" || m.End == 0 {
			continue
		}
		for _, c := range unit.changes(m, name) {
			key := c.Path + "\x00" + c.Text
			if _, known := texts[key]; !known {
				texts[key] = c.Text
			}
			texts[key] = texts[key][:c.Start] + c.text + texts[key][c.End:]
		}
	}
	return replaced("", unit.object, texts)
}

// replaced is a copy in which strings are replaced by their path and text.
func replaced(at string, value any, texts map[string]string) any {
	switch value := value.(type) {
	case string:
		if text, ok := texts[at+"\x00"+value]; ok {
			return text
		}
		return value
	case map[string]any:
		all := make(map[string]any, len(value))
		for key, inner := range value {
			all[key] = replaced(strings.TrimPrefix(at+"."+key, "."), inner, texts)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, inner := range value {
			all[i] = replaced(at+"["+strconv.Itoa(i)+"]", inner, texts)
		}
		return all
	default:
		return value
	}
}
