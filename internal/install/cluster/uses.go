package cluster

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Named is something that objects may name in their spec: a version, or its image.
type Named struct {
	Name string
	// Is tells whether a string of the spec names it.
	Is func(text string) bool
	// Refers tells whether a map of the spec refers to it, by the name of an object and an entry of
	// that; namespace is that of who refers. nil is nobody does so.
	Refers func(namespace string, value map[string]any) bool
}

// isIn tells whether an object's spec names it.
func (n Named) isIn(o *unstructured.Unstructured) bool {
	spec := o.Object["spec"]
	return hasString(spec, n.Is) || n.Refers != nil && hasMap(spec, func(value map[string]any) bool { return n.Refers(o.GetNamespace(), value) })
}

// hasMap tells whether one of a value's maps, at any depth, is what is looked for.
func hasMap(value any, is func(map[string]any) bool) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, func(element any) bool { return hasMap(element, is) })
	case map[string]any:
		if is(value) {
			return true
		}
		for _, element := range value {
			if hasMap(element, is) {
				return true
			}
		}
	}
	return false
}

// Objects are all objects of a kind, in all namespaces; none where the cluster does not know it.
func (c *Cluster) Objects(ctx context.Context, kind schema.GroupKind) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	err := c.eachKind(ctx, []schema.GroupKind{kind}, func(_ schema.GroupKind, found []unstructured.Unstructured) {
		all = append(all, found...)
	})
	return all, err
}

// Uses are the objects of the kinds, in all namespaces and in order, that name something; by its
// name. A kind that the cluster does not know has no objects.
func (c *Cluster) Uses(ctx context.Context, kinds []schema.GroupKind, all []Named) (map[string][]Instance, error) {
	uses := map[string][]Instance{}
	err := c.eachKind(ctx, kinds, func(kind schema.GroupKind, found []unstructured.Unstructured) {
		for i := range found {
			for _, named := range all {
				if named.isIn(&found[i]) {
					uses[named.Name] = append(uses[named.Name], Instance{kind.Kind, found[i].GetNamespace(), found[i].GetName()})
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, users := range uses {
		slices.SortFunc(users, byName)
	}
	return uses, nil
}
