package cluster

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

const (
	managedByLabel = "app.kubernetes.io/managed-by"
	purposeLabel   = Manager + ".dev/purpose"

	// Whose a pull secret is: a release's, and another's too.
	releaseLabel          = Manager + ".dev/release"
	releaseNamespaceLabel = Manager + ".dev/release-namespace"
	sharedLabel           = Manager + ".dev/shared"

	// vendorsAnnotation names the vendors' hosts that a pull secret is for too.
	vendorsAnnotation = Manager + ".dev/vendor-hosts"
)

// The purposes of what we make.
const (
	PurposePullSecret = "pull-secret"
	PurposePullCheck  = "pull-check"
)

// Labels mark an object as ours, and say what it is for.
func Labels(purpose string) map[string]string {
	return map[string]string{managedByLabel: Manager, purposeLabel: purpose}
}

// releaseOf is the release that a pull secret of ours belongs to; nobody where none is said.
func releaseOf(secret *unstructured.Unstructured) Owner {
	labels := secret.GetLabels()
	return Owner{Namespace: labels[releaseNamespaceLabel], Release: labels[releaseLabel]}
}

// secretLabels are the labels of a pull secret that is there already, or not (nil), once a
// release has a use for it. It stays the first one's, and says that others have a use for it.
func secretLabels(before *unstructured.Unstructured, owner Owner) map[string]string {
	all := Labels(PurposePullSecret)
	first := Owner{}
	if before != nil && ours(before) {
		first = releaseOf(before)
		if before.GetLabels()[sharedLabel] != "" {
			all[sharedLabel] = "true"
		}
	}
	switch {
	case first == Owner{}:
		first = owner
	case owner != Owner{} && owner != first:
		all[sharedLabel] = "true"
	}
	if first != (Owner{}) {
		all[releaseLabel], all[releaseNamespaceLabel] = first.Release, first.Namespace
	}
	return all
}

// ours tells whether an object carries our label.
func ours(object *unstructured.Unstructured) bool {
	return object.GetLabels()[managedByLabel] == Manager
}

// Title names an object in messages, "Deployment postgres-system/postgres-operator".
func Title(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
