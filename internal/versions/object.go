package versions

import (
	"errors"
	"fmt"
	"strings"
)

// Object is a kind of object that lists images, an image catalog: one for each name that comes
// out of the placeholders in its metadata.name, and in it an entry for each image.
type Object struct {
	// Each names the images.
	Each string
	// Tree is the object without its entries; At is where those go, "spec.images".
	Tree map[string]any
	At   []string
	// Entry is one entry.
	Entry any
}

func objectsOf(specs []objectSpec) []Object {
	var all []Object
	for _, spec := range specs {
		tree, _ := spec.Object.(map[string]any)
		all = append(all, Object{Each: spec.Each, Tree: tree, At: strings.Split(spec.At, "."), Entry: spec.Entry})
	}
	return all
}

// Make is the object, and the entry, of one image.
func (o Object) Make(fill Fill) (object map[string]any, entry any) {
	b := fill.blanks(o.Each)
	object, _ = expandTree(o.Tree, b).(map[string]any)
	return object, expandTree(o.Entry, b)
}

func (s shapeSpec) checkObject(spec objectSpec) error {
	tree, ok := spec.Object.(map[string]any)
	if !ok || tree["apiVersion"] == nil || tree["kind"] == nil {
		return errors.New("object: it needs apiVersion, kind and metadata.name")
	}
	if spec.At == "" || spec.Entry == nil || spec.Each == "" {
		return fmt.Errorf("%v: it needs each, at and entry", tree["kind"])
	}
	if _, err := s.axesOf(spec.Each); err != nil {
		return fmt.Errorf("each: %w", err)
	}
	if err := s.checkTree(spec.Object, spec.Each); err != nil {
		return fmt.Errorf("object: %w", err)
	}
	if err := s.checkTree(spec.Entry, spec.Each); err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	return nil
}
