// Package readiness tells whether what runs in a cluster is ready, and why it is not: in the words
// of the kubelet, the registry that it asked, or whoever else knows.
package readiness

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Pending is something that is not ready, and why.
type Pending struct {
	// Object is what is waited for, "Deployment postgres-system/postgres-operator".
	Object string
	// Reason is why it is not ready, as far as the cluster tells.
	Reason string
	// Trouble is what can be mended; zero where nothing is known of it.
	Trouble Trouble
}

// String is the object and its reason.
func (p Pending) String() string { return p.Object + ": " + p.Reason }

// NotReadyError says what did not become ready. It is a cluster.ErrNotReady.
type NotReadyError struct{ Pending []Pending }

// Error lists what is not ready, each with its reason.
func (e *NotReadyError) Error() string {
	lines := make([]string, len(e.Pending))
	for i, pending := range e.Pending {
		lines[i] = pending.String()
	}
	return "not ready: " + strings.Join(lines, "; ")
}

// Is makes it a cluster.ErrNotReady.
func (e *NotReadyError) Is(target error) bool { return target == cluster.ErrNotReady }

// WhyNotReady asks the pods of a workload what holds it up. What cannot be found out is
// no error: the account is an addition to the waiting, which goes on.
func WhyNotReady(ctx context.Context, c *cluster.Cluster, workload *unstructured.Unstructured) Pending {
	pending := Pending{Object: cluster.Title(workload), Reason: "it has not become ready yet"}
	if reason := rolloutProblem(workload); reason != "" {
		pending.Reason = reason
	}
	selector, err := podSelector(workload)
	if err != nil || selector == "" {
		return pending
	}
	found, err := c.List(ctx, cluster.Pods, workload.GetNamespace(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return pending
	}
	// The newest pod is the one that the present specification made.
	slices.SortFunc(found, func(a, b unstructured.Unstructured) int {
		return b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time)
	})
	for i := range found {
		var pod corev1.Pod
		if runtime.DefaultUnstructuredConverter.FromUnstructured(found[i].Object, &pod) != nil {
			continue
		}
		if reason, trouble := PodProblem(ctx, c, &pod); reason != "" {
			pending.Reason, pending.Trouble = fmt.Sprintf("pod %s: %s", pod.Name, reason), trouble
			return pending
		}
	}
	return pending
}

// rolloutProblem reads the conditions that say that pods cannot even be made.
func rolloutProblem(workload *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(workload.Object, "status", "conditions")
	for _, each := range conditions {
		fields, _ := each.(map[string]any)
		if fields["type"] == "ReplicaFailure" && fields["status"] == "True" {
			return fmt.Sprint(fields["message"])
		}
	}
	return ""
}

func podSelector(workload *unstructured.Unstructured) (string, error) {
	fields, _, err := unstructured.NestedMap(workload.Object, "spec", "selector")
	if err != nil || fields == nil {
		return "", err
	}
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &selector); err != nil {
		return "", err
	}
	return metav1.FormatLabelSelector(&selector), nil
}

// RolledOut tells whether all of a workload's pods are of its newest specification and ready.
func RolledOut(workload *unstructured.Unstructured) bool {
	number := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(workload.Object, fields...)
		return n
	}
	if number("status", "observedGeneration") < workload.GetGeneration() {
		return false
	}
	wanted := number("spec", "replicas")
	switch workload.GetKind() {
	case "DaemonSet":
		wanted = number("status", "desiredNumberScheduled")
		return number("status", "numberAvailable") >= wanted && number("status", "updatedNumberScheduled") >= wanted
	case "StatefulSet":
		return number("status", "readyReplicas") >= wanted && number("status", "updatedReplicas") >= wanted
	default:
		return number("status", "availableReplicas") >= wanted && number("status", "updatedReplicas") >= wanted
	}
}
