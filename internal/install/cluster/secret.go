package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Secret reads a secret; it is nil where there is none.
func (c *Cluster) Secret(ctx context.Context, namespace, secretName string) (*unstructured.Unstructured, error) {
	secret, err := c.Resource(Secrets, namespace).Get(ctx, secretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, Explain(fmt.Errorf("reading secret %s/%s: %w", namespace, secretName, err))
	}
	return secret, nil
}
