package cluster

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Applied is a CRD that was written.
type Applied struct {
	Name string
	// Former is the CRD as it was before; nil where there was none.
	Former *unstructured.Unstructured
	// now is the CRD as it was written.
	now *unstructured.Unstructured
}

// Changed tells whether the definition became another one.
func (a Applied) Changed() bool { return !sameDefinition(a.Former, a.now) }

// IsStill tells whether a CRD is as it was written: nobody has changed its definition since.
func (a Applied) IsStill(live *unstructured.Unstructured) bool { return sameDefinition(a.now, live) }

func sameDefinition(a, b *unstructured.Unstructured) bool {
	return reflect.DeepEqual(a.Object["spec"], b.Object["spec"])
}

// Definition reads a CRD; nil where there is none of that name.
func (c *Cluster) Definition(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	crd, err := c.Resource(definitions, "").Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, Explain(fmt.Errorf("reading CRD %s: %w", name, err))
	}
	return crd, nil
}

// PutBack gives a CRD the definition, labels and annotations that it had before. Live is what it is now: where that
// is not so any more, nothing is changed, and that is an error.
func (c *Cluster) PutBack(ctx context.Context, applied Applied, live *unstructured.Unstructured) error {
	crd := &unstructured.Unstructured{Object: map[string]any{"spec": applied.Former.DeepCopy().Object["spec"]}}
	crd.SetGroupVersionKind(applied.Former.GroupVersionKind())
	crd.SetName(applied.Name)
	crd.SetResourceVersion(live.GetResourceVersion())
	crd.SetLabels(applied.Former.GetLabels())
	crd.SetAnnotations(applied.Former.GetAnnotations())
	_, err := c.Resource(definitions, "").Apply(ctx, applied.Name, crd, metav1.ApplyOptions{FieldManager: Manager, Force: true})
	return explainConflict(applied.Name, err)
}
