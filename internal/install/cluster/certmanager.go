package cluster

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

const certManagerGroup = "cert-manager.io"

// webhookTimeout bounds the question to cert-manager's webhook.
const webhookTimeout = 40 * time.Second

// UseCertManager tells whether any of the objects is of cert-manager's kinds.
func UseCertManager(objects []chart.Object) bool {
	for _, object := range objects {
		if object.GroupVersionKind().Group == certManagerGroup {
			return true
		}
	}
	return false
}

// CheckCertManager wants cert-manager's CRDs and a webhook that answers; the errors are
// ErrNoCertManager and ErrWebhook. The webhook is asked by creating an Issuer in dry-run,
// which passes it and leaves nothing behind. The notice says why that could not be asked.
func (c *Cluster) CheckCertManager(ctx context.Context, namespace string) (notice string, err error) {
	mapping, known, err := c.Serves(schema.GroupKind{Group: certManagerGroup, Kind: "Issuer"})
	if err != nil {
		return "", err
	}
	if !known {
		return "", ErrNoCertManager
	}
	issuer := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": mapping.GroupVersionKind.GroupVersion().String(), "kind": "Issuer",
		"metadata": map[string]any{"name": Manager + "-check"},
		"spec":     map[string]any{"selfSigned": map[string]any{}},
	}}
	bounded, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	_, err = c.Resource(mapping.Resource, namespace).Create(bounded, issuer, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: Manager})
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return "", nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case apierrors.IsForbidden(err):
		return "whether cert-manager's webhook answers could not be checked: creating an Issuer is not allowed", nil
	default:
		return "", fmt.Errorf("%w: %w", ErrWebhook, err)
	}
}
