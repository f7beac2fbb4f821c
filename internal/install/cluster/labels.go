package cluster

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

const (
	managedByLabel = "app.kubernetes.io/managed-by"
	purposeLabel   = Manager + ".dev/purpose"
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

// Ours tells whether an object carries our label.
func Ours(object *unstructured.Unstructured) bool {
	return object.GetLabels()[managedByLabel] == Manager
}

// Title names an object in messages, "Deployment postgres-system/postgres-operator".
func Title(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
