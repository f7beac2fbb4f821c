package document

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Shape says which keys a node can have. The nil Shape, and the zero one, leave that open.
type Shape struct {
	// Keys are those of a mapping, with the shapes of their values; nil leaves them free.
	Keys map[string]*Shape
	// AnyCase says that capital letters in keys do not count: Keys are in small ones.
	AnyCase bool
	// Each is the shape of a list's items, or of the values where Keys leaves the keys free.
	Each *Shape
	// Kind is what a node is written as; the zero Kind leaves that open. What is null is nothing, of
	// whatever kind.
	Kind Kind
}

// Kind is one of the ways to write a node, in the words of a file's writer.
type Kind string

// The kinds that there are.
const (
	Text    Kind = "a text"
	List    Kind = "a list"
	Mapping Kind = "keys with values"
)

func kindOf(node *yaml.Node) Kind {
	switch node.Kind {
	case yaml.SequenceNode:
		return List
	case yaml.MappingNode:
		return Mapping
	default:
		return Text
	}
}

// ShapeOf is the shape of what is decoded into a Go type, which must not contain itself: of a
// struct the keys in its yaml tags. A type that decodes itself checks itself, and is left open.
func ShapeOf(t reflect.Type) *Shape {
	if t == reflect.TypeFor[yaml.Node]() || reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]()) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return ShapeOf(t.Elem())
	case reflect.Slice:
		return &Shape{Kind: List, Each: ShapeOf(t.Elem())}
	case reflect.Map:
		return &Shape{Kind: Mapping, Each: ShapeOf(t.Elem())}
	case reflect.Interface:
		return nil
	case reflect.Struct:
		shape := &Shape{Kind: Mapping, Keys: map[string]*Shape{}}
		for _, field := range reflect.VisibleFields(t) {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			shape.Keys[key] = ShapeOf(field.Type)
		}
		return shape
	default:
		return &Shape{Kind: Text}
	}
}

// Check finds the first key below node that shape does not have, or the first node of another
// kind; its error is an *UnknownKeyError or a *WrongKindError. What stands in texts is for decoding to
// find out.
func Check(node *yaml.Node, shape *Shape) error { return shape.check(node, nil) }

func (s *Shape) check(node *yaml.Node, path []string) error {
	if s == nil {
		return nil
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if is := kindOf(node); s.Kind != "" && is != s.Kind && node.Tag != "!!null" {
		return &WrongKindError{Line: node.Line, Where: strings.Join(path, "."), Want: s.Kind, Is: is}
	}
	switch node.Kind {
	case yaml.SequenceNode:
		for _, item := range node.Content {
			if err := s.Each.check(item, path); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := s.checkPair(node.Content[i], node.Content[i+1], path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Shape) checkPair(key, value *yaml.Node, path []string) error {
	below, known := s.Each, s.Keys == nil
	if !known {
		name := key.Value
		if s.AnyCase {
			name = strings.ToLower(name)
		}
		below, known = s.Keys[name]
	}
	if !known || key.Kind != yaml.ScalarNode && s.Keys != nil {
		return &UnknownKeyError{Line: key.Line, Key: key.Value, Where: strings.Join(path, "."), Known: slices.Sorted(maps.Keys(s.Keys))}
	}
	return below.check(value, append(path[:len(path):len(path)], key.Value))
}
