package difference

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Converter is what Losses says of the webhook that converts between versions. Operators may have put it
// there themselves, and do so again.
const Converter = "the webhook that converts goes"

// Losses says what goes where one state of a CRD takes the place of another: versions that are not there
// any more, not served, or not what is stored, fields that the API server prunes from then on, and the
// webhook that converts. What comes, and what a field takes, is no loss.
func Losses(before, after *unstructured.Unstructured) []string {
	var all []string
	old, new := versionsOf(before.Object), versionsOf(after.Object)
	for _, name := range slices.Sorted(maps.Keys(old)) {
		is := func(key string) bool { return old[name][key] == true && new[name][key] != true }
		switch {
		case new[name] == nil:
			all = append(all, name+" goes")
			continue
		case is("served"):
			all = append(all, name+" is served no longer")
		case is("storage"):
			all = append(all, name+" is no longer what is stored")
		}
		for _, path := range pruned("", schemaOf(old[name]), schemaOf(new[name])) {
			all = append(all, name+" "+path+" goes")
		}
	}
	if isConverted(before) && !isConverted(after) {
		all = append(all, Converter)
	}
	return all
}

// Versions are the versions that a CRD has, sorted.
func Versions(crd *unstructured.Unstructured) []string {
	return slices.Sorted(maps.Keys(versionsOf(crd.Object)))
}

func isConverted(crd *unstructured.Unstructured) bool {
	strategy, _, _ := unstructured.NestedString(crd.Object, "spec", "conversion", "strategy")
	return strategy == "Webhook"
}

func schemaOf(version map[string]any) map[string]any {
	schema, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema")
	return schema
}

// pruned are the fields of one schema that another does not let be, sorted; what is below one goes
// without saying.
func pruned(path string, old, new map[string]any) []string {
	var all []string
	before, after := below(old, "properties"), below(new, "properties")
	for _, name := range slices.Sorted(maps.Keys(before)) {
		field := strings.TrimPrefix(path+"."+name, ".")
		switch _, stays := after[name]; {
		case path == "" && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name): // of every object
		case stays:
			all = append(all, pruned(field, below(before, name), below(after, name))...)
		case !takesAny(new):
			all = append(all, field)
		}
	}
	if takesAny(old) && !takesAny(new) {
		all = append(all, strings.TrimPrefix(path+".*", "."))
	}
	all = append(all, within(path+"[*]", old, new, "items")...)
	return append(all, within(path+".*", old, new, "additionalProperties")...)
}

// within is pruned for what all elements have in common, where both say so.
func within(path string, old, new map[string]any, key string) []string {
	before, after := below(old, key), below(new, key)
	if before == nil || after == nil {
		return nil
	}
	return pruned(strings.TrimPrefix(path, "."), before, after)
}

// takesAny tells whether a schema lets fields be that it does not name.
func takesAny(schema map[string]any) bool {
	values, said := schema["additionalProperties"]
	return schema["x-kubernetes-preserve-unknown-fields"] == true || said && values != false
}

func below(schema map[string]any, key string) map[string]any {
	fields, _ := schema[key].(map[string]any)
	return fields
}
