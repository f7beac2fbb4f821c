package cluster

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The annotation with which helm is told to let an object be.
const (
	policyAnnotation = "helm.sh/resource-policy"
	policyKeep       = "keep"
)

// Definition is the kind of CRDs.
var Definition = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// lasting are the kinds that hold data, or that take what does with them when they go.
var lasting = []schema.GroupKind{
	Definition, {Kind: "Namespace"}, {Kind: "PersistentVolumeClaim"}, {Kind: "PersistentVolume"},
}

// Lasts tells whether nobody but a user may delete objects of a kind: CRDs, for every object of
// their kind goes with them, namespaces for the same reason, volumes, and databases.
func Lasts(kind schema.GroupKind, databases []schema.GroupKind) bool {
	return slices.Contains(lasting, kind) || slices.Contains(databases, kind)
}

// Kept tells whether an object carries the annotation for helm to let it be.
func Kept(object *unstructured.Unstructured) bool {
	return object.GetAnnotations()[policyAnnotation] == policyKeep
}

// Keep gives an object the annotation for helm to let it be.
func Keep(object *unstructured.Unstructured) {
	set(object.GetAnnotations(), map[string]string{policyAnnotation: policyKeep}, object.SetAnnotations)
}

// KeepLive gives the annotation to the object as it is in the cluster, if it is there, lacks it,
// and belongs to the owner or to nobody. It tells whether it did.
func (c *Cluster) KeepLive(ctx context.Context, object *unstructured.Unstructured, owner Owner) (bool, error) {
	client, known, err := c.ClientFor(ctx, object, owner.Namespace)
	if err != nil || !known {
		return false, err
	}
	live, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, Explain(fmt.Errorf("reading %s: %w", Title(object), err))
	}
	if theirs := OwnerOf(live); Kept(live) || theirs != (Owner{}) && theirs != owner {
		return false, nil
	}
	return true, patchMeta(ctx, client, object, nil, map[string]string{policyAnnotation: policyKeep})
}
