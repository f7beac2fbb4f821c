package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// HasNamespace tells whether a namespace exists.
func (c *Cluster) HasNamespace(ctx context.Context, name string) (bool, error) {
	_, err := c.Resource(namespaces, "").Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, Explain(fmt.Errorf("reading namespace %s: %w", name, err))
	}
	return true, nil
}

// NamespacesOf are the namespaces in which helm has recorded a release of that name, in Secrets or in
// ConfigMaps; as far as it got with an error.
func (c *Cluster) NamespacesOf(ctx context.Context, release string) ([]string, error) {
	var names []string
	var failures error
	for _, resource := range []schema.GroupVersionResource{Secrets, configMaps} {
		found, err := c.List(ctx, resource, "", metav1.ListOptions{LabelSelector: labels.Set{"owner": "helm", "name": release}.String()})
		failures = errors.Join(failures, err)
		for i := range found {
			names = append(names, found[i].GetNamespace())
		}
	}
	slices.Sort(names)
	return slices.Compact(names), failures
}

// EnsureNamespace creates a namespace where it does not exist, as the owner's unless that is
// nobody, and tells whether it did.
func (c *Cluster) EnsureNamespace(ctx context.Context, name string, owner Owner) (created bool, err error) {
	exists, err := c.HasNamespace(ctx, name)
	if err != nil || exists {
		return false, err
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
	if owner != (Owner{}) {
		owner.Mark(namespace)
	}
	_, err = c.Resource(namespaces, "").Create(ctx, namespace, metav1.CreateOptions{FieldManager: Manager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	if err != nil {
		return false, Explain(fmt.Errorf("creating namespace %s: %w", name, err))
	}
	return true, nil
}
