package cluster

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// CheckKinds wants every kind among a chart's objects to be defined by the cluster or by the
// chart's own CRDs. Where one is not, a prerequisite is missing: an *UnknownKindsError.
func (c *Cluster) CheckKinds(objects []chart.Object) error {
	own := map[schema.GroupKind]bool{}
	for _, object := range objects {
		if object.IsCRD() {
			own[defines(&object.Unstructured)] = true
		}
	}
	var missing []schema.GroupKind
	for _, object := range objects {
		kind := object.GroupVersionKind().GroupKind()
		if own[kind] || slices.Contains(missing, kind) {
			continue
		}
		_, known, err := c.Serves(kind)
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

// defines is the kind that a CRD defines.
func defines(crd *unstructured.Unstructured) schema.GroupKind {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}
}
