package install

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The labels that say what is ours.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	purposeLabel   = "pgrelocate.dev/purpose"

	purposePullSecret = "pull-secret"
	purposePullCheck  = "pull-check"
)

func ourLabels(purpose string) map[string]string {
	return map[string]string{managedByLabel: fieldManager, purposeLabel: purpose}
}

// hasNamespace tells whether a namespace exists.
func (c *Cluster) hasNamespace(ctx context.Context, name string) (bool, error) {
	_, err := c.of(namespaces, "").Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, explain(fmt.Errorf("reading namespace %s: %w", name, err))
	}
	return true, nil
}

// ensureNamespace creates a namespace where it does not exist, and tells whether it did.
func (c *Cluster) ensureNamespace(ctx context.Context, name string) (created bool, err error) {
	exists, err := c.hasNamespace(ctx, name)
	if err != nil || exists {
		return false, err
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
	_, err = c.of(namespaces, "").Create(ctx, namespace, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	if err != nil {
		return false, explain(fmt.Errorf("creating namespace %s: %w", name, err))
	}
	return true, nil
}
