package jobs

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Apply puts objects into a cluster, in their order, as their manager of fields. What somebody else
// manages is not taken away: that is an error.
func Apply(ctx context.Context, c *cluster.Cluster, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		kind := o.GroupVersionKind().GroupKind()
		mapping, known, err := c.Serves(kind)
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("the cluster knows no %s", kind)
		}
		_, err = c.Resource(mapping.Resource, o.GetNamespace()).Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: cluster.Manager})
		if err != nil {
			return cluster.Explain(fmt.Errorf("applying %s %s: %w", o.GetKind(), o.GetName(), err))
		}
	}
	return nil
}
