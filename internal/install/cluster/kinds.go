package cluster

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// CheckKinds wants every kind among a chart's objects to be defined by the cluster or by the
// chart's own CRDs. Where one is not, a prerequisite is missing: an *UnknownKindsError.
func (c *Cluster) CheckKinds(ctx context.Context, objects []chart.Object) error {
	own := Defined(objects)
	var missing []schema.GroupKind
	for _, object := range objects {
		kind := object.GroupVersionKind().GroupKind()
		if slices.Contains(own, kind) || slices.Contains(missing, kind) {
			continue
		}
		_, known, err := c.Serves(ctx, kind)
		if err != nil {
			return err
		}
		if !known {
			missing = append(missing, kind)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &UnknownKindsError{Kinds: missing}
}
