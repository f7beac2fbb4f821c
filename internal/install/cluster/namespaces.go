package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

// EnsureNamespace creates a namespace where it does not exist, and tells whether it did.
func (c *Cluster) EnsureNamespace(ctx context.Context, name string) (created bool, err error) {
	exists, err := c.HasNamespace(ctx, name)
	if err != nil || exists {
		return false, err
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
	_, err = c.Resource(namespaces, "").Create(ctx, namespace, metav1.CreateOptions{FieldManager: Manager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	if err != nil {
		return false, Explain(fmt.Errorf("creating namespace %s: %w", name, err))
	}
	return true, nil
}
