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

// Occurrence is an image in a file.
type Occurrence struct {
	naming.Mention
	// Line is where the string begins that names it, counted from 1.
	Line int

	node *yaml.Node
}

// Occurrences are all images that the file's objects name.
func (f *File) Occurrences(origin naming.Origin) []Occurrence {
	var all []Occurrence
	for _, unit := range f.units {
		nodes := nodesOf(unit)
		for _, m := range unit.mentions(origin) {
			place := Occurrence{Mention: m, Line: lineOf(nodes.at, m.Path)}
			if node := nodes.find(m.Path, m.Text); node != nil && !m.Parts {
				place.node, place.Line = node, node.Line
			}
			all = append(all, place)
		}
	}
	return all
}

// nodes are those of an object by their paths.
type nodes struct {
	at map[string][]*yaml.Node
	// last is what was found last for a path: a text may name thousands of images, and is compared once.
	last map[string]*yaml.Node
	text map[string]string
}

func nodesOf(u unit) nodes {
	n := nodes{map[string][]*yaml.Node{}, map[string]*yaml.Node{}, map[string]string{}}
	index(n.at, "", u.node)
	return n
}

// find is the string with this text; nil where none has it.
func (n nodes) find(path, text string) *yaml.Node {
	if last, known := n.text[path]; known && last == text {
		return n.last[path]
	}
	var found *yaml.Node
	for _, node := range n.at[path] {
		if node.Kind == yaml.ScalarNode && node.Value == text {
			found = node
		}
	}
	n.text[path], n.last[path] = text, found
	return found
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
	search := searching{f, lines, f.starts(lines), map[sought]cursor{}}
	edits := map[edit]bool{}
	for _, place := range f.placesToChange(origin, to) {
		from, ok := search.find(place.Occurrence)
		if !ok {
			return nil, fmt.Errorf("line %d: %s is written there in a way that cannot be changed", place.Line, place.Spelled())
		}
		edits[edit{from, from + len(place.Spelled()), place.text}] = true
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
		nodes := nodesOf(unit)
		for _, c := range unit.allChanges(origin, to) {
			if node := nodes.find(c.Path, c.Text); node != nil {
				c.node, c.Line = node, node.Line
				all = append(all, c)
			}
		}
	}
	return all
}

// apply makes the edits.
func (f *File) apply(edits map[edit]bool) ([]byte, error) {
	ordered := make([]edit, 0, len(edits))
	for e := range edits {
		ordered = append(ordered, e)
	}
	slices.SortFunc(ordered, func(a, b edit) int { return a.from - b.from })
	var made bytes.Buffer
	done := 0
	for _, e := range ordered {
		if e.from < done {
			return nil, fmt.Errorf("two images stand at the same place of the file")
		}
		made.Write(f.body[done:e.from])
		made.WriteString(e.text)
		done = e.to
	}
	made.Write(f.body[done:])
	return made.Bytes(), nil
}

// searching finds names in a file's bytes. One string may hold thousands, so that it goes on from the one
// before.
type searching struct {
	file          *File
	lines, starts []int
	before        map[sought]cursor
}

// sought is a name in a string.
type sought struct {
	node *yaml.Node
	name string
}

// cursor is where a name was found last: in the string, and in the file.
type cursor struct{ text, body int }

// find is where in the file's bytes a place's name begins: in its string's part of the file there
// are as many of the same name before it as there are in the string.
func (s searching) find(place Occurrence) (int, bool) {
	key := sought{place.node, place.Spelled()}
	begin := offsetOf(s.file.body, s.lines, place.node)
	end := len(s.file.body)
	if next, _ := slices.BinarySearch(s.starts, begin+1); next < len(s.starts) {
		end = s.starts[next]
	}
	from, known := s.before[key]
	if !known || from.text > place.Start {
		from = cursor{0, begin}
	}
	at := from.body
	for range strings.Count(place.Text[from.text:place.Start], key.name) + 1 {
		found := bytes.Index(s.file.body[at:end], []byte(key.name))
		if found < 0 {
			return 0, false
		}
		at += found + len(key.name)
	}
	at -= len(key.name)
	s.before[key] = cursor{place.Start, at}
	return at, true
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
	byPath := map[string][]*texts{}
	for _, c := range unit.allChanges(origin, to) {
		at := slices.IndexFunc(byPath[c.Path], func(t *texts) bool { return t.text == c.Text })
		if at < 0 {
			at = len(byPath[c.Path])
			byPath[c.Path] = append(byPath[c.Path], &texts{text: c.Text})
		}
		t := byPath[c.Path][at]
		t.changes = append(t.changes, c)
	}
	return replaced("", unit.object, byPath)
}

// texts are the changes of one string.
type texts struct {
	text    string
	changes []change
}

// changed is the string with its changes.
func (t *texts) changed() string {
	slices.SortStableFunc(t.changes, func(a, b change) int { return a.Start - b.Start })
	var made strings.Builder
	done := 0
	for _, c := range t.changes {
		if c.Start < done {
			continue // the same once more
		}
		made.WriteString(t.text[done:c.Start])
		made.WriteString(c.text)
		done = c.End
	}
	made.WriteString(t.text[done:])
	return made.String()
}

// replaced is a copy in which strings are replaced by their path and text.
func replaced(at string, value any, byPath map[string][]*texts) any {
	switch value := value.(type) {
	case string:
		for _, t := range byPath[at] {
			if t.text == value {
				return t.changed()
			}
		}
		return value
	case map[string]any:
		all := make(map[string]any, len(value))
		for key, inner := range value {
			all[key] = replaced(strings.TrimPrefix(at+"."+key, "."), inner, byPath)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, inner := range value {
			all[i] = replaced(at+"["+strconv.Itoa(i)+"]", inner, byPath)
		}
		return all
	default:
		return value
	}
}
