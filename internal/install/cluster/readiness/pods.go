package readiness

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// events is the resource of events.
var events = schema.GroupVersionResource{Version: "v1", Resource: "events"}

// PodProblem says what holds a pod up; empty where it is well or nothing is known.
func PodProblem(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod) (reason string, trouble Trouble) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch waiting, ended := status.State.Waiting, status.LastTerminationState.Terminated; {
		case waiting == nil:
			continue
		case isPullProblem(waiting.Reason):
			answer := pullAnswer(ctx, c, pod, waiting)
			return fmt.Sprintf("%s: %s", waiting.Reason, answer), pullTrouble(ctx, c, pod, answer)
		case waiting.Reason == "CrashLoopBackOff" && ended != nil:
			return fmt.Sprintf("container %s ended with exit code %d (%s)", status.Name, ended.ExitCode, ended.Reason),
				Trouble{Kind: Crashing, Namespace: pod.Namespace, Pod: pod.Name, Container: status.Name}
		case waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing":
			return strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": "), Trouble{}
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return "no node takes it: " + condition.Message, Trouble{}
		}
	}
	if pod.Status.Phase == corev1.PodPending {
		return lastWarning(ctx, c, pod), Trouble{}
	}
	return "", Trouble{}
}

// Pulled tells whether the kubelet has the image of a pod's container. What the container does
// then, and a command that cannot even start, is of no interest.
func Pulled(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		switch {
		case status.ImageID != "", status.State.Running != nil, status.State.Terminated != nil:
			return true
		case status.State.Waiting != nil:
			switch status.State.Waiting.Reason {
			case "CreateContainerError", "CreateContainerConfigError", "RunContainerError", "CrashLoopBackOff":
				return true
			}
		}
	}
	return false
}

// PullFailed tells whether the kubelet has tried to pull an image of the pod and could not.
func PullFailed(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Waiting != nil && isPullProblem(status.State.Waiting.Reason) {
			return true
		}
	}
	return false
}

// lastWarning is the newest warning about a pod whose containers have not been tried yet,
// such as a volume that cannot be mounted.
func lastWarning(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod) string {
	return lastEvent(ctx, c, pod, func(event *corev1.Event) bool { return event.Type == corev1.EventTypeWarning })
}

func lastEvent(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod, wanted func(*corev1.Event) bool) string {
	found, err := c.List(ctx, events, pod.Namespace, metav1.ListOptions{
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
