package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Pending is something that is not ready, and why.
type Pending struct {
	// Object is what is waited for, "Deployment postgres-system/postgres-operator".
	Object string
	// Reason is why it is not ready, as far as the cluster tells.
	Reason string
	// Hint is what to do about it; it may be empty.
	Hint string
}

// String is the object and its reason.
func (p Pending) String() string { return p.Object + ": " + p.Reason }

// NotReadyError says what did not become ready. It is an ErrNotReady.
type NotReadyError struct{ Pending []Pending }

// Error lists what is not ready, each with its reason.
func (e *NotReadyError) Error() string {
	lines := make([]string, len(e.Pending))
	for i, pending := range e.Pending {
		lines[i] = pending.String()
	}
	return "not ready: " + strings.Join(lines, "; ")
}

// Is makes it an ErrNotReady.
func (e *NotReadyError) Is(target error) bool { return target == ErrNotReady }

// Hint is the first that there is.
func (e *NotReadyError) Hint() string {
	for _, pending := range e.Pending {
		if pending.Hint != "" {
			return pending.Hint
		}
	}
	return ""
}

// whyNotReady asks the pods of a workload what holds it up. What cannot be found out is
// no error: the account is an addition to the waiting, which goes on.
func (c *Cluster) whyNotReady(ctx context.Context, workload *unstructured.Unstructured) Pending {
	pending := Pending{Object: title(workload), Reason: "it has not become ready yet"}
	if reason := rolloutProblem(workload); reason != "" {
		pending.Reason = reason
	}
	selector, err := podSelector(workload)
	if err != nil || selector == "" {
		return pending
	}
	found, err := c.list(ctx, pods, workload.GetNamespace(), metav1.ListOptions{LabelSelector: selector})
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
		if reason, hint := c.podProblem(ctx, &pod); reason != "" {
			pending.Reason, pending.Hint = fmt.Sprintf("pod %s: %s", pod.Name, reason), hint
			return pending
		}
	}
	return pending
}

func title(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
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

// podProblem says what holds a pod up; empty where it is well or nothing is known.
func (c *Cluster) podProblem(ctx context.Context, pod *corev1.Pod) (reason, hint string) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch waiting, ended := status.State.Waiting, status.LastTerminationState.Terminated; {
		case waiting == nil:
			continue
		case isPullProblem(waiting.Reason):
			answer := c.pullAnswer(ctx, pod, waiting)
			return fmt.Sprintf("%s: %s", waiting.Reason, answer), c.pullHint(ctx, pod, answer)
		case waiting.Reason == "CrashLoopBackOff" && ended != nil:
			return fmt.Sprintf("container %s ended with exit code %d (%s)", status.Name, ended.ExitCode, ended.Reason),
				fmt.Sprintf("see its log: kubectl logs -n %s %s -c %s --previous", pod.Namespace, pod.Name, status.Name)
		case waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing":
			return strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": "), ""
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return "no node takes it: " + condition.Message, ""
		}
	}
	if pod.Status.Phase == corev1.PodPending {
		return c.lastWarning(ctx, pod), ""
	}
	return "", ""
}

// lastWarning is the newest warning about a pod whose containers have not been tried yet,
// such as a volume that cannot be mounted.
func (c *Cluster) lastWarning(ctx context.Context, pod *corev1.Pod) string {
	return c.lastEvent(ctx, pod, func(event *corev1.Event) bool { return event.Type == corev1.EventTypeWarning })
}

func (c *Cluster) lastEvent(ctx context.Context, pod *corev1.Pod, wanted func(*corev1.Event) bool) string {
	found, err := c.list(ctx, events, pod.Namespace, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + pod.Name,
	})
	if err != nil {
		return ""
	}
	newest := &corev1.Event{}
	for i := range found {
		var event corev1.Event
		if runtime.DefaultUnstructuredConverter.FromUnstructured(found[i].Object, &event) != nil || !wanted(&event) {
			continue
		}
		if !lastSeen(&event).Before(lastSeen(newest)) {
			newest = &event
		}
	}
	return newest.Message
}

func lastSeen(event *corev1.Event) *metav1.Time {
	if !event.LastTimestamp.IsZero() {
		return &event.LastTimestamp
	}
	return &metav1.Time{Time: event.EventTime.Time}
}
