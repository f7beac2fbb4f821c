package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// ErrOtherJob: a job of that name is there, with another plan, number of pods or setting.
var ErrOtherJob = errors.New("it is there already, and not the same; what is in it cannot be changed: take another name, or delete it")

// Apply puts objects into a cluster, in their order, as their manager of fields. What somebody else
// manages is not taken away: that is an error. Nothing is changed where the cluster would not take all.
func Apply(ctx context.Context, c *cluster.Cluster, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		err := apply(ctx, c, o, metav1.DryRunAll)
		var missing *cluster.NoNamespaceError
		homeless := errors.As(err, &missing) || apierrors.IsNotFound(err)
		if comes := homeless && objects[0].GetKind() == "Namespace"; err != nil && !comes {
			return err
		}
	}
	for _, o := range objects {
		if err := apply(ctx, c, o); err != nil {
			return err
		}
	}
	return nil
}

func apply(ctx context.Context, c *cluster.Cluster, o *unstructured.Unstructured, dryRun ...string) error {
	kind := o.GroupVersionKind().GroupKind()
	mapping, known, err := c.Serves(ctx, kind)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("the cluster knows no %s", kind)
	}
	opts := metav1.ApplyOptions{FieldManager: cluster.Manager, DryRun: dryRun}
	_, err = c.Resource(mapping.Resource, o.GetNamespace()).Apply(ctx, o.GetName(), o, opts)
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "immutable") {
		err = ErrOtherJob // the cluster's own words are the whole of it, some kilobytes
	}
	if apierrors.IsNotFound(err) && o.GetNamespace() != "" {
		if exists, unasked := c.HasNamespace(ctx, o.GetNamespace()); unasked == nil && !exists {
			err = &cluster.NoNamespaceError{Namespace: o.GetNamespace()}
		}
	}
	if err != nil {
		return cluster.Explain(fmt.Errorf("applying %s %s: %w", o.GetKind(), o.GetName(), err))
	}
	return nil
}
