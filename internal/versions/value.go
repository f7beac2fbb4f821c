package versions

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Value is one of a chart's values that has to change when its images move, or that has to be
// set for the release to work at all.
type Value struct {
	// At is the value's key, as helm's --set takes it, with placeholders of the image that Each
	// names: "relatedImages.postgres_{major}.image".
	At string
	// Each names images that each get a value of their own, as far as At tells them apart; empty
	// for one value.
	Each string
	// Tree is what the value becomes: any YAML, with placeholders in its texts.
	Tree any
	// JSON says that the value is a text that holds Tree as JSON.
	JSON bool
	// None is what the value becomes where no image that it names is at the target; nil leaves
	// it as it is.
	None any
}

// Fill is what stands in a value's placeholders.
type Fill struct {
	// Target is the folder in the private registry, PullSecret the name of the pull secret.
	Target     ref.Folder
	PullSecret string
	// Images are the artifacts to be named, by what the value calls them.
	Images map[string]Artifact
}

// wordPattern finds placeholders in texts that may hold other braces.
var wordPattern = regexp.MustCompile(`\{[A-Za-z][0-9A-Za-z_.-]*\}`)

const pullSecretWord = "pullSecret"

// Images are the names of the images that the value depends on; Each is the first.
func (v Value) Images() []string {
	var names []string
	if v.Each != "" {
		names = append(names, v.Each)
	}
	eachWord(v.Tree, func(word string) {
		name, field, _ := strings.Cut(word, ".")
		if field != "" && name != "target" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	return names
}

// IsPullSecret tells whether the value names the pull secret.
func (v Value) IsPullSecret() bool {
	named := false
	eachWord(v.Tree, func(word string) { named = named || word == pullSecretWord })
	return named
}

// MovesAll tells whether the value names the target's folder, to which the chart adds the names
// of its images.
func (v Value) MovesAll() bool {
	moves := false
	eachWord(v.Tree, func(word string) {
		name, _, _ := strings.Cut(word, ".")
		moves = moves || name == "target"
	})
	return moves
}

// IsWhole tells whether the value is the whole reference of one image.
func (v Value) IsWhole() bool {
	text, _ := v.Tree.(string)
	name, ok := strings.CutSuffix(strings.Trim(text, "{}"), ".ref")
	return ok && !v.JSON && text == "{"+name+".ref}"
}

// Path is where the value stands: keys, and for elements of lists their number in brackets,
// {"env", "[0]", "value"}. Keys may contain dots.
func (v Value) Path(fill Fill) []string {
	b := fill.blanks(v.Each)
	path := splitKey(v.At)
	for i := range path {
		path[i] = template(path[i]).expand(b)
	}
	return path
}

// Make is what the value becomes.
func (v Value) Make(fill Fill) (any, error) {
	made := expandTree(v.Tree, fill.blanks(v.Each))
	if !v.JSON {
		return made, nil
	}
	text, err := json.Marshal(made)
	return string(text), err
}

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

// splitKey is Key read backwards: dots separate, `\.` is a dot, and [0] an element of a list.
func splitKey(key string) []string {
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

// blanks are the texts for all placeholders.
func (f Fill) blanks(each string) blanks {
	b := blanks{
		"target.host": f.Target.Host, "target.path": f.Target.Path, "target": f.Target.String(),
		pullSecretWord: f.PullSecret,
	}
	for name, a := range f.Images {
		for field, of := range fieldsOfImages {
			b[name+"."+field] = of(a.Target)
		}
		if name != each {
			continue
		}
		if len(a.Versions) > 0 {
			b = b.with(ofVersion(a.Versions[0]))
		}
		b[editionAxis] = string(a.Edition)
		for axis, word := range a.Axes {
			b[axis] = word
		}
	}
	return b
}

// fieldsOfImages are the parts of a reference that charts keep.
var fieldsOfImages = map[string]func(ref.Reference) string{
	"ref":        ref.Reference.String,
	"repository": ref.Reference.Name,
	"host":       func(r ref.Reference) string { return r.Host },
	"path":       func(r ref.Reference) string { return r.Repository },
	"folder":     func(r ref.Reference) string { return r.Parent().Path },
	"name":       func(r ref.Reference) string { return r.Repository[strings.LastIndexByte(r.Repository, '/')+1:] },
	"tag":        func(r ref.Reference) string { return r.Tag },
}

// expandTree fills the placeholders of all texts in. A text that is a number's placeholder alone
// becomes a number.
func expandTree(tree any, b blanks) any {
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
			list[i] = expandTree(item, b)
		}
		return list
	case map[string]any:
		table := make(map[string]any, len(tree))
		for key, item := range tree {
			table[key] = expandTree(item, b)
		}
		return table
	default:
		return tree
	}
}

// eachWord visits the placeholders of all texts in a tree, in their order.
func eachWord(tree any, visit func(word string)) {
	switch tree := tree.(type) {
	case string:
		for _, found := range wordPattern.FindAllString(tree, -1) {
			visit(strings.Trim(found, "{}"))
		}
	case []any:
		for _, item := range tree {
			eachWord(item, visit)
		}
	case map[string]any:
		for _, key := range sortedKeys(tree) {
			eachWord(tree[key], visit)
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

func valuesOf(specs []valueSpec) []Value {
	var all []Value
	for _, spec := range specs {
		v := Value{At: string(spec.At), Each: spec.Each, Tree: spec.Value, None: spec.None}
		if spec.JSON != nil {
			v.Tree, v.JSON = spec.JSON, true
		}
		all = append(all, v)
	}
	return all
}

// checkValue finds what is wrong with a value of a shape's chart.
func (s shapeSpec) checkValue(spec valueSpec) error {
	if err := checkPath(splitKey(string(spec.At))); err != nil {
		return err
	}
	if spec.Value != nil && spec.JSON != nil {
		return fmt.Errorf("it has a value or json, not both")
	}
	v := valuesOf([]valueSpec{spec})[0]
	if err := s.checkTree(v.Tree, v.Each); err != nil {
		return err
	}
	allowed, err := s.axesOf(v.Each)
	if err != nil {
		return fmt.Errorf("each: %w", err)
	}
	if err := spec.At.check(allowed...); err != nil {
		return fmt.Errorf("at: %w", err)
	}
	return nil
}

// What a key, and a tree of values, come to at most: deeper ones are an attack or a mistake.
const (
	deepestKey  = 32
	deepestTree = 64
	// LongestList bounds the lists that a path can call for.
	LongestList = 1000
)

// checkPath finds what is no key of a value.
func checkPath(path []string) error {
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

// isDeeper tells whether maps and lists lie in one another more than so many times.
func isDeeper(tree any, than int) bool {
	if than < 0 {
		return true
	}
	switch tree := tree.(type) {
	case []any:
		return slices.ContainsFunc(tree, func(item any) bool { return isDeeper(item, than-1) })
	case map[string]any:
		for _, item := range tree {
			if isDeeper(item, than-1) {
				return true
			}
		}
	}
	return false
}

// checkTree finds placeholders in a tree that a shape has nothing for.
func (s shapeSpec) checkTree(tree any, each string) (err error) {
	if isDeeper(tree, deepestTree) {
		return fmt.Errorf("its value is deeper than %d maps and lists", deepestTree)
	}
	axes, _ := s.axesOf(each)
	eachWord(tree, func(word string) {
		if err != nil || word == pullSecretWord || slices.Contains(axes, word) {
			return
		}
		name, field, _ := strings.Cut(word, ".")
		switch {
		case name == "target" && slices.Contains([]string{"", "host", "path"}, field):
		case !slices.Contains(s.families(), name):
			err = unknown(name, "an image of the shape", append(s.families(), "target", pullSecretWord))
		case fieldsOfImages[field] == nil:
			have := slices.Sorted(func(yield func(string) bool) {
				for known := range fieldsOfImages {
					if !yield(known) {
						return
					}
				}
			})
			err = unknown(field, "a part of an image's name", have)
		}
	})
	return err
}

// axesOf are the placeholders of a family.
func (s shapeSpec) axesOf(family string) ([]string, error) {
	if family == "" {
		return nil, nil
	}
	at := slices.IndexFunc(s.Images, func(i imageSpec) bool { return i.family() == family })
	if at < 0 {
		return nil, unknown(family, "an image of the shape", s.families())
	}
	axes := slices.Clone(s.Images[at].Axes)
	if s.Images[at].isVersioned() {
		axes = append(axes, "major", "minor")
	}
	for axis := range s.Images[at].With {
		axes = append(axes, axis)
	}
	return axes, nil
}
