package compile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

func objectsOf(specs []schema.Object) []versions.Object {
	var all []versions.Object
	for _, spec := range specs {
		tree, _ := spec.Object.(map[string]any)
		all = append(all, versions.Object{Each: spec.Each, Tree: tree, At: strings.Split(spec.At, "."), Entry: spec.Entry})
	}
	return all
}

func checkObject(s schema.Shape, spec schema.Object) error {
	tree, ok := spec.Object.(map[string]any)
	if !ok || tree["apiVersion"] == nil || tree["kind"] == nil {
		return errors.New("object: it needs apiVersion, kind and metadata.name")
	}
	if spec.At == "" || spec.Entry == nil || spec.Each == "" {
		return fmt.Errorf("%v: it needs each, at and entry", tree["kind"])
	}
	if _, err := s.AxesOf(spec.Each); err != nil {
		return fmt.Errorf("each: %w", err)
	}
	if err := checkTree(s, spec.Object, spec.Each); err != nil {
		return fmt.Errorf("object: %w", err)
	}
	if err := checkTree(s, spec.Entry, spec.Each); err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	return nil
}
