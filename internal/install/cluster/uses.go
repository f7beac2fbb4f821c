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
}

// Uses are the objects of the kinds, in all namespaces and in order, that name something; by its
// name. A kind that the cluster does not know has no objects.
func (c *Cluster) Uses(ctx context.Context, kinds []schema.GroupKind, all []Named) (map[string][]Instance, error) {
	uses := map[string][]Instance{}
	err := c.eachKind(ctx, kinds, func(kind schema.GroupKind, found []unstructured.Unstructured) {
		for i := range found {
			for _, named := range all {
				if hasString(found[i].Object["spec"], named.Is) {
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
