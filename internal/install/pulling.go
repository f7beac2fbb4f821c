package install

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
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
func (c *Cluster) pullAnswer(ctx context.Context, pod *corev1.Pod, waiting *corev1.ContainerStateWaiting) string {
	if answer := essence(waiting.Message); answer != "" {
		return answer
	}
	answer := c.lastEvent(ctx, pod, func(event *corev1.Event) bool {
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

// pullHint says what to do about an answer that a node got from a registry.
func (c *Cluster) pullHint(ctx context.Context, pod *corev1.Pod, answer string) string {
	lower := strings.ToLower(answer)
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(lower, word) {
				return true
			}
		}
		return false
	}
	switch {
	case has("x509", "certificate"):
		return "the node does not trust the registry's certificate authority: install it on every node, for containerd in /etc/containerd/certs.d/HOST/"
	case has("http response to https client"):
		return "the registry speaks plain HTTP and the node wants TLS: configure the registry's host on every node, for containerd in /etc/containerd/certs.d/HOST/hosts.toml"
	case has("401", "unauthorized", "403", "forbidden", "authentication", "authorization failed", "no basic auth", "denied"):
		return c.secretHint(ctx, pod)
	case has("not found", "manifest unknown", "404"):
		return "the image is not in the registry: run `pgrelocate copy`, then `pgrelocate verify`"
	case has("no such host", "connection refused", "i/o timeout", "no route to host", "connection reset"):
		return "the node cannot reach the registry: check its DNS, firewall and proxy; other machines may well reach it"
	case has("toomanyrequests", "429"):
		return "the registry limits its clients; waiting helps"
	default:
		return ""
	}
}

// secretHint looks at the pod's pull secrets: none, one that is missing, or one whose
// credentials are refused are three different mistakes.
func (c *Cluster) secretHint(ctx context.Context, pod *corev1.Pod) string {
	if len(pod.Spec.ImagePullSecrets) == 0 {
		return fmt.Sprintf("the pod names no pull secret: set one in its resource, or on the service account %s/%s", pod.Namespace, pod.Spec.ServiceAccountName)
	}
	for _, reference := range pod.Spec.ImagePullSecrets {
		if secret, err := c.getSecret(ctx, pod.Namespace, reference.Name); err == nil && secret == nil {
			return fmt.Sprintf("secret %s does not exist in namespace %s: run `pgrelocate secret --namespace %s`", reference.Name, pod.Namespace, pod.Namespace)
		}
	}
	return fmt.Sprintf("the registry refuses the credentials in secret %s: run `pgrelocate secret --rotate` with valid ones", pod.Spec.ImagePullSecrets[0].Name)
}
