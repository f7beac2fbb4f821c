// Package inplace finds images in YAML files of Kubernetes objects and changes them where they
// stand: bytes around them, comments and formatting, stay as they are.
//
//	file, err := inplace.Parse(body)
//	changed, err := file.Rewrite(origin, func(m naming.Mention) string { … })
package inplace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/yamllimit"
)

// MaxFile bounds a file of manifests; rendered charts have the same bound.
const MaxFile = 16 << 20

// File is a YAML file, or a JSON one, of one or several documents. Use Parse.
type File struct {
	body      []byte
	documents []*yaml.Node
	units     []unit
}

// unit is one object: a document, or what lies in a list that is one.
type unit struct {
	node   *yaml.Node
	object map[string]any
	use    naming.Use
}

// Parse reads a file. What it holds besides objects is passed over; see Objects.
func Parse(body []byte) (*File, error) {
	if len(body) > MaxFile {
		return nil, fmt.Errorf("it is larger than %d MiB", MaxFile>>20)
	}
	if !utf8.Valid(body) {
		return nil, errors.New("it is no text in UTF-8")
	}
	if err := yamllimit.CheckLong(body); err != nil {
		return nil, err
	}
	f := &File{body: body}
	for decoder := yaml.NewDecoder(bytes.NewReader(body)); ; {
		document := new(yaml.Node)
		switch err := decoder.Decode(document); {
		case errors.Is(err, io.EOF):
			return f, nil
		case err != nil:
			return nil, readable(err)
		}
		f.documents = append(f.documents, document)
		if len(document.Content) == 0 {
			continue
		}
		if err := f.add(document.Content[0]); err != nil {
			return nil, err
		}
	}
}

// readable is what the parser says in one line. What it has no words for is most likely a template,
// which reads as a map in the place of a key.
func readable(err error) error {
	var several *yaml.TypeError
	if errors.As(err, &several) {
		return errors.New(strings.Join(several.Errors, "; "))
	}
	if strings.Contains(err.Error(), "invalid map key") {
		return errors.New("a key is no text: where this is a template of a chart, render it first")
	}
	return err
}

// Objects is how many Kubernetes objects the file holds.
func (f *File) Objects() int { return len(f.units) }

// Unreadable are the containers whose image is no reference.
func (f *File) Unreadable() []naming.Unreadable {
	var all []naming.Unreadable
	for _, unit := range f.units {
		all = append(all, naming.UnreadableOf(unit.use, unit.object)...)
	}
	return all
}

// Body is the file's content.
func (f *File) Body() []byte { return f.body }

// add takes a document for an object, or for a list of them.
func (f *File) add(node *yaml.Node) error {
	var value any
	if err := node.Decode(&value); err != nil {
		return readable(err)
	}
	object, ok := plain(value).(map[string]any)
	if !ok {
		return nil
	}
	items, listed := object["items"].([]any)
	if nodes := valueOf(node, "items"); listed && nodes != nil && len(nodes.Content) == len(items) && areObjects(items) {
		for i, item := range items {
			f.take(nodes.Content[i], item.(map[string]any))
		}
		return nil
	}
	f.take(node, object)
	return nil
}

func areObjects(items []any) bool {
	for _, item := range items {
		object, _ := item.(map[string]any)
		if kind, _ := object["kind"].(string); kind == "" {
			return false
		}
	}
	return len(items) > 0
}

// take keeps an object. Schemas of CustomResourceDefinitions have defaults that look like images.
func (f *File) take(node *yaml.Node, object map[string]any) {
	kind, _ := object["kind"].(string)
	version, _ := object["apiVersion"].(string)
	if kind == "" || version == "" || kind == "CustomResourceDefinition" {
		return
	}
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	f.units = append(f.units, unit{node: node, object: object, use: naming.Use{Kind: kind, Namespace: namespace, Name: name}})
}

// valueOf is the value of a key of a map; nil where there is none.
func valueOf(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// plain makes keys text that are none.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = plain(inner)
		}
		return value
	case map[any]any:
		all := make(map[string]any, len(value))
		for key, inner := range value {
			all[fmt.Sprint(key)] = plain(inner)
		}
		return all
	case []any:
		for i, inner := range value {
			value[i] = plain(inner)
		}
		return value
	default:
		return value
	}
}
