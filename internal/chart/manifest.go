package chart

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// Rendering is what a chart comes to with certain values.
type Rendering struct {
	// Objects are all objects in the order of the manifest: those of crds/ first, hooks last.
	Objects []Object
	// Unchecked are addresses outside of the chart to which the schemas of its values refer.
	// Nothing is fetched from there, and the values were not held against those schemas.
	Unchecked []string
	// LooksUp says that templates look things up in the cluster, if they are let.
	LooksUp bool
}

// Object is one rendered object.
type Object struct {
	unstructured.Unstructured
	// Text is its YAML as rendered.
	Text string
	// FromCRDs says that it comes from the chart's crds/ folder.
	FromCRDs bool
	// Hook says that helm runs it as a hook.
	Hook bool
}

// IsCRD tells whether the object is a CustomResourceDefinition. Their schemas carry
// defaults that look like images and are none.
func (o Object) IsCRD() bool { return o.GetKind() == "CustomResourceDefinition" }

// Title names the object in messages, "Deployment postgres-system/postgres-operator".
func (o Object) Title() string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// add appends the objects of a YAML stream.
func (r *Rendering) add(stream string) error {
	return eachObject(stream, func(object Object) { r.Objects = append(r.Objects, object) })
}

// Edit is a change to objects one by one: it gives the object as it is to be, or false where it
// is to be left out.
type Edit func(Object) (Object, bool)

// Edit changes the objects of the rendering.
func (r *Rendering) Edit(edit Edit) *Rendering {
	edited := &Rendering{Unchecked: r.Unchecked, LooksUp: r.LooksUp}
	for _, object := range r.Objects {
		if object, keep := edit(object); keep {
			edited.Objects = append(edited.Objects, object)
		}
	}
	return edited
}

// Without drops objects from the rendering.
func (r *Rendering) Without(drop func(Object) bool) *Rendering {
	return r.Edit(func(object Object) (Object, bool) { return object, !drop(object) })
}

// Manifest is the rendering as one YAML stream, CRDs first.
func (r *Rendering) Manifest() string {
	var out strings.Builder
	for i, object := range r.Objects {
		if i > 0 {
			out.WriteString("---\n")
		}
		out.WriteString(strings.TrimPrefix(object.Text, "---\n"))
	}
	return out.String()
}

// ParseManifest reads a YAML stream of objects, such as the manifest that a helm release
// has kept.
func ParseManifest(manifest string) (*Rendering, error) {
	rendering := &Rendering{}
	return rendering, rendering.add(manifest)
}

// eachObject reads a YAML stream, passing over documents that hold nothing. What lies in a
// list is an object of its own, as it is for the API server.
func eachObject(stream string, do func(Object)) error {
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(stream)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the rendered chart: %w", err)
		}
		var object Object
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			return fmt.Errorf("reading the rendered chart: %w", err)
		}
		object.Text = strings.TrimSpace(string(text)) + "\n"
		if err := object.flatten(do); err != nil {
			return fmt.Errorf("reading the rendered chart: %w", err)
		}
	}
}

// flatten calls do for the object, or for what is in it if it is a list.
func (o Object) flatten(do func(Object)) error {
	if len(o.Object) == 0 {
		return nil
	}
	items, list := o.items()
	if !list {
		do(o)
		return nil
	}
	for _, item := range items {
		if err := item.SetText(); err != nil {
			return err
		}
		if err := item.flatten(do); err != nil {
			return err
		}
	}
	return nil
}

// items are the objects of a list. Like the API server's own clients, this takes for a list
// whatever has items that are objects, of a kind of their own or of that which the list names.
func (o Object) items() ([]Object, bool) {
	fields, ok := o.Object["items"].([]any)
	if !ok {
		return nil, false
	}
	var items []Object
	for _, each := range fields {
		inner, ok := each.(map[string]any)
		if !ok {
			return nil, false
		}
		item := Object{Unstructured: unstructured.Unstructured{Object: inner}}
		if kind, named := strings.CutSuffix(o.GetKind(), "List"); item.GetKind() == "" && named && kind != "" {
			item.SetKind(kind)
			item.SetAPIVersion(o.GetAPIVersion())
		}
		if item.GetKind() == "" {
			return nil, false
		}
		items = append(items, item)
	}
	return items, true
}

// SetText writes the object's text anew, after its fields have changed.
func (o *Object) SetText() error {
	text, err := sigsyaml.Marshal(o.Object)
	o.Text = string(text)
	return err
}

// With is the rendering with more objects at its end, before the hooks.
func (r *Rendering) With(objects ...Object) *Rendering {
	all := &Rendering{Unchecked: r.Unchecked, LooksUp: r.LooksUp}
	at := slices.IndexFunc(r.Objects, func(o Object) bool { return o.Hook })
	if at < 0 {
		at = len(r.Objects)
	}
	all.Objects = slices.Concat(r.Objects[:at], objects, r.Objects[at:])
	return all
}

// NewObject is an object that no chart has rendered.
func NewObject(fields map[string]any) (Object, error) {
	object := Object{Unstructured: unstructured.Unstructured{Object: fields}}
	return object, object.SetText()
}
