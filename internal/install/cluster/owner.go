package cluster

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The marks by which helm knows what belongs to a release.
const (
	managedByHelm              = "Helm"
	releaseNameAnnotation      = "meta.helm.sh/release-name"
	releaseNamespaceAnnotation = "meta.helm.sh/release-namespace"
)

// Owner is a helm release that objects belong to.
type Owner struct {
	// Namespace and Release are where it is and its name.
	Namespace, Release string
}

// String is NAMESPACE/RELEASE.
func (o Owner) String() string { return o.Namespace + "/" + o.Release }

// mark gives an object the marks of the release.
func (o Owner) mark(object *unstructured.Unstructured) {
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels[managedByLabel] = managedByHelm
	annotations[releaseNameAnnotation] = o.Release
	annotations[releaseNamespaceAnnotation] = o.Namespace
	object.SetLabels(labels)
	object.SetAnnotations(annotations)
}
