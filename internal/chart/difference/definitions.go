// Package difference says what is different between two renderings of a chart: Definitions for
// the kinds that they define.
package difference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// Change is what became of something.
type Change string

// What may become of something.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Definition is a CustomResourceDefinition that is not the same in both renderings.
type Definition struct {
	Name   string
	Change Change
	// Versions and Fields say what is different of one that is in both, "v1 removed" and
	// "v1 spec.storageSize: string, was integer", sorted.
	Versions, Fields []string
}

// Definitions compares the CRDs of two renderings, by name. Descriptions, which change nothing, are
// passed over.
func Definitions(before, after *chart.Rendering) []Definition {
	old, new := definitionsOf(before), definitionsOf(after)
	var all []Definition
	for _, name := range slices.Sorted(maps.Keys(union(old, new))) {
		switch {
		case old[name] == nil:
			all = append(all, Definition{Name: name, Change: Added})
		case new[name] == nil:
			all = append(all, Definition{Name: name, Change: Removed})
		default:
			d := compare(old[name], new[name])
			if d.Name = name; len(d.Versions)+len(d.Fields) > 0 {
				all = append(all, d)
			}
		}
	}
	return all
}

func definitionsOf(r *chart.Rendering) map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, object := range r.Objects {
		if object.IsCRD() {
			all[object.GetName()] = object.Object
		}
	}
	return all
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// compare says what is different between two states of one CRD.
func compare(old, new map[string]any) Definition {
	d := Definition{Change: Changed}
	before, after := versionsOf(old), versionsOf(new)
	for _, name := range slices.Sorted(maps.Keys(union(before, after))) {
		switch {
		case before[name] == nil:
			d.Versions = append(d.Versions, name+" added")
			continue
		case after[name] == nil:
			d.Versions = append(d.Versions, name+" removed")
			continue
		}
		for _, key := range []string{"served", "storage"} {
			if before[name][key] != after[name][key] {
				d.Versions = append(d.Versions, fmt.Sprintf("%s %s: %v, was %v", name, key, after[name][key], before[name][key]))
			}
		}
		for _, field := range fieldsThatDiffer(fieldsOf(before[name]), fieldsOf(after[name])) {
			d.Fields = append(d.Fields, name+" "+field)
		}
	}
	return d
}

func versionsOf(crd map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	list, _, _ := unstructured.NestedSlice(crd, "spec", "versions")
	for _, each := range list {
		if version, ok := each.(map[string]any); ok {
			all[fmt.Sprint(version["name"])] = version
		}
	}
	return all
}

// fieldsOf are all fields of a version's schema, by their path, with what they take.
func fieldsOf(version map[string]any) map[string]string {
	schema, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema")
	all := map[string]string{}
	collect(all, "", schema, false)
	return all
}

// collect adds the fields below a schema.
func collect(all map[string]string, path string, schema map[string]any, required bool) {
	if path != "" {
		all[path] = takes(schema, required)
	}
	wanted, _, _ := unstructured.NestedStringSlice(schema, "required")
	properties, _ := schema["properties"].(map[string]any)
	for name, each := range properties {
		if below, ok := each.(map[string]any); ok {
			collect(all, strings.TrimPrefix(path+"."+name, "."), below, slices.Contains(wanted, name))
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		collect(all, path+"[*]", items, false)
	}
	if values, ok := schema["additionalProperties"].(map[string]any); ok {
		collect(all, path+".*", values, false)
	}
}

// takes is what a field takes: "string, required, one of a, b".
func takes(schema map[string]any, required bool) string {
	words := []string{"anything"}
	if kind, ok := schema["type"].(string); ok {
		words[0] = kind
	}
	if required {
		words = append(words, "required")
	}
	if values, ok := schema["enum"].([]any); ok {
		words = append(words, fmt.Sprintf("one of %v", values))
	}
	for _, key := range []string{"default", "pattern", "minimum", "maximum"} {
		if value, ok := schema[key]; ok {
			words = append(words, fmt.Sprintf("%s %v", key, value))
		}
	}
	return strings.Join(words, ", ")
}

// fieldsThatDiffer are sorted; what is below a field that is new, or gone, goes without saying.
func fieldsThatDiffer(before, after map[string]string) []string {
	var all []string
	said := ""
	for _, path := range slices.Sorted(maps.Keys(union(before, after))) {
		old, had := before[path]
		new, has := after[path]
		switch {
		case had && has && old == new:
		case had && has:
			all = append(all, fmt.Sprintf("%s: %s, was %s", path, new, old))
		case said != "" && isBelow(path, said):
		case has:
			all = append(all, fmt.Sprintf("%s added (%s)", path, new))
			said = path
		default:
			all = append(all, fmt.Sprintf("%s removed (%s)", path, old))
			said = path
		}
	}
	return all
}

func isBelow(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "["))
}
