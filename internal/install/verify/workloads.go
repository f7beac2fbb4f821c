package verify

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

// checkWorkloads looks at what the release runs.
func (v *verification) checkWorkloads(ctx context.Context) error {
	for _, object := range v.manifest.Objects {
		if !slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, object.GetKind()) || object.Hook || v.NoWorkloads {
			continue
		}
		mapping, known, err := v.Cluster.Serves(ctx, object.GroupVersionKind().GroupKind())
		if err != nil {
			return err
		}
		namespace := cluster.NamespaceOf(object, v.Namespace)
		result := WorkloadCheck{Object: object.GetKind() + " " + namespace + "/" + object.GetName()}
		if !known { // it went with its kind
			result.Err = ErrGone
			v.check.Workloads = append(v.check.Workloads, result)
			continue
		}
		live, err := v.Cluster.Resource(mapping.Resource, namespace).Get(ctx, object.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			result.Err = ErrGone
		case err != nil:
			return cluster.Explain(fmt.Errorf("reading %s: %w", result.Object, err))
		default:
			if result.Err = differs(&object.Unstructured, live); result.Err == nil && !readiness.RolledOut(live) {
				pending := readiness.WhyNotReady(ctx, v.Cluster, live)
				result.Err = &StuckError{Reason: pending.Reason, Trouble: pending.Trouble}
			}
		}
		v.check.Workloads = append(v.check.Workloads, result)
	}
	return nil
}
