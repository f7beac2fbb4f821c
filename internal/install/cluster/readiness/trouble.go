package readiness

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// TroubleKind is a cause of a pod's trouble that somebody can mend.
type TroubleKind int

// The kinds of trouble; zero is one of which nothing is known.
const (
	UnknownTrouble TroubleKind = iota
	// Untrusted: the node does not know who signed the registry's certificate.
	Untrusted
	// PlainHTTP: the registry speaks plain HTTP and the node wants TLS.
	PlainHTTP
	// NoPullSecret: the pod names no pull secret, nor does its service account.
	NoPullSecret
	// PullSecretMissing: the pod names a secret that does not exist.
	PullSecretMissing
	// PullSecretRefused: the registry does not take what is in the secret.
	PullSecretRefused
	// NotInRegistry: the registry does not have the image.
	NotInRegistry
	// Unreachable: the node cannot reach the registry.
	Unreachable
	// TooMany: the registry limits its clients.
	TooMany
	// Crashing: a container starts and ends again and again.
	Crashing
)

// Trouble is what a pod suffers from. Namespace, Pod, Container, Secret and ServiceAccount are
// set where the kind is about them.
type Trouble struct {
	Kind                      TroubleKind
	Namespace, Pod, Container string
	Secret, ServiceAccount    string
}

// pullTrouble reads the answer that a node got from a registry.
func pullTrouble(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod, answer string) Trouble {
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
		return Trouble{Kind: Untrusted}
	case has("http response to https client"):
		return Trouble{Kind: PlainHTTP}
	case has("401", "unauthorized", "403", "forbidden", "authentication", "authorization failed", "no basic auth", "denied"):
		return secretTrouble(ctx, c, pod)
	case has("not found", "manifest unknown", "404"):
		return Trouble{Kind: NotInRegistry}
	case has("no such host", "connection refused", "i/o timeout", "no route to host", "connection reset"):
		return Trouble{Kind: Unreachable}
	case has("toomanyrequests", "429"):
		return Trouble{Kind: TooMany}
	default:
		return Trouble{}
	}
}

// secretTrouble looks at the pod's pull secrets: none, one that is missing, or one whose
// credentials are refused are three different mistakes.
func secretTrouble(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod) Trouble {
	trouble := Trouble{Namespace: pod.Namespace, ServiceAccount: pod.Spec.ServiceAccountName}
	if len(pod.Spec.ImagePullSecrets) == 0 {
		trouble.Kind = NoPullSecret
		return trouble
	}
	for _, reference := range pod.Spec.ImagePullSecrets {
		if secret, err := c.Secret(ctx, pod.Namespace, reference.Name); err == nil && secret == nil {
			trouble.Kind, trouble.Secret = PullSecretMissing, reference.Name
			return trouble
		}
	}
	trouble.Kind, trouble.Secret = PullSecretRefused, pod.Spec.ImagePullSecrets[0].Name
	return trouble
}
