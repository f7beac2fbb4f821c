package readiness

import (
	"context"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// isPullProblem tells whether a waiting container waits for its image.
func isPullProblem(reason string) bool {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		return true
	default:
		return false
	}
}

// pullAnswer is what the registry said to the kubelet. While the kubelet backs off its
// status may say only that; then the pod's events still have the answer.
func pullAnswer(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod, waiting *corev1.ContainerStateWaiting) string {
	if answer := essence(waiting.Message); answer != "" {
		return answer
	}
	answer := lastEvent(ctx, c, pod, func(event *corev1.Event) bool {
		return event.Reason == "Failed" && essence(event.Message) != "" && !strings.HasPrefix(event.Message, "Error: ")
	})
	if answer == "" {
		return waiting.Message
	}
	return essence(answer)
}

// wrapping is what kubelet and containerd put around a registry's answer, one or more times.
var wrapping = regexp.MustCompile(`^(rpc error: code = \w+ desc = |ErrImagePull: |((F|f)ailed to pull( and unpack)? image|failed to resolve reference|Back-off pulling image) "[^"]*"(: |$))`)

// essence cuts what is wrapped around a registry's answer; empty where there is no answer
// inside.
func essence(message string) string {
	for {
		shorter := wrapping.ReplaceAllString(message, "")
		if shorter == message {
			return strings.TrimSpace(message)
		}
		message = shorter
	}
}
