package cluster

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// CheckEscalation finds out whether the roles among a chart's objects may be created; namespace
// is that of objects which name none. Kubernetes lets nobody grant what he does not have
// himself, and only the API server can tell: it is asked to create the roles without doing so.
func (c *Cluster) CheckEscalation(ctx context.Context, objects []chart.Object, namespace string) error {
	for _, object := range objects {
		if object.GroupVersionKind().Group != "rbac.authorization.k8s.io" {
			continue
		}
		client, known, err := c.ClientFor(ctx, &object.Unstructured, namespace)
		if err != nil || !known {
			continue
		}
		_, err = client.Apply(ctx, object.GetName(), &object.Unstructured,
			metav1.ApplyOptions{FieldManager: Manager, Force: true, DryRun: []string{metav1.DryRunAll}})
		if denied(err) {
			return &EscalationError{Role: object.Title(), Reason: firstLine(err)}
		}
		// A namespace that will only be created later, and the like, says nothing.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// firstLine keeps the API server's list of rules out of the message.
func firstLine(err error) string {
	var status apierrors.APIStatus
	text := err.Error()
	if errors.As(err, &status) {
		text = status.Status().Message
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}
