package cluster

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Uses are the objects of the kinds, in all namespaces and in order, whose spec has a name, of a
// version for example, as a string of its own; by that name. A kind that the cluster does not know
// has no objects.
func (c *Cluster) Uses(ctx context.Context, kinds []schema.GroupKind, names []string) (map[string][]Instance, error) {
	uses := map[string][]Instance{}
	err := c.eachKind(ctx, kinds, func(kind schema.GroupKind, found []unstructured.Unstructured) {
		for i := range found {
			for _, name := range names {
				if hasString(found[i].Object["spec"], name) {
					uses[name] = append(uses[name], Instance{kind.Kind, found[i].GetNamespace(), found[i].GetName()})
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
