package pullsecret

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

const (
	// Whose a pull secret is: a release's, and another's too.
	releaseLabel          = cluster.Manager + ".dev/release"
	releaseNamespaceLabel = cluster.Manager + ".dev/release-namespace"
	sharedLabel           = cluster.Manager + ".dev/shared"

	// vendorsAnnotation names the vendors' hosts that a pull secret is for too.
	vendorsAnnotation = cluster.Manager + ".dev/vendor-hosts"
)

// releaseOf is the release that a pull secret of ours belongs to; nobody where none is said.
func releaseOf(secret *unstructured.Unstructured) cluster.Owner {
	labels := secret.GetLabels()
	return cluster.Owner{Namespace: labels[releaseNamespaceLabel], Release: labels[releaseLabel]}
}

// secretLabels are the labels of a pull secret that is there already, or not (nil), once a
// release has a use for it. It stays the first one's, and says that others have a use for it.
func secretLabels(before *unstructured.Unstructured, owner cluster.Owner) map[string]string {
	all := cluster.Labels(cluster.PurposePullSecret)
	first := cluster.Owner{}
	if before != nil && cluster.Ours(before) {
		first = releaseOf(before)
		if before.GetLabels()[sharedLabel] != "" {
			all[sharedLabel] = "true"
		}
	}
	switch {
	case first == cluster.Owner{}:
		first = owner
	case owner != cluster.Owner{} && owner != first:
		all[sharedLabel] = "true"
	}
	if first != (cluster.Owner{}) {
		all[releaseLabel], all[releaseNamespaceLabel] = first.Release, first.Namespace
	}
	return all
}
