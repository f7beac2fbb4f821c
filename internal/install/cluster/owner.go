package cluster

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// The marks by which helm knows what belongs to a release.
const (
	managedByHelm              = "Helm"
	releaseNameAnnotation      = "meta.helm.sh/release-name"
	releaseNamespaceAnnotation = "meta.helm.sh/release-namespace"
)

// Owner is a helm release that objects belong to; the zero value is nobody.
type Owner struct {
	// Namespace and Release are where it is and its name.
	Namespace, Release string
}

// String is NAMESPACE/RELEASE.
func (o Owner) String() string { return o.Namespace + "/" + o.Release }

// OwnerOf reads the marks of an object. It is nobody's where one of them is missing, for then
// helm leaves it alone too.
func OwnerOf(object *unstructured.Unstructured) Owner {
	annotations := object.GetAnnotations()
	owner := Owner{Namespace: annotations[releaseNamespaceAnnotation], Release: annotations[releaseNameAnnotation]}
	if object.GetLabels()[managedByLabel] != managedByHelm || owner.Namespace == "" || owner.Release == "" {
		return Owner{}
	}
	return owner
}

// Mark gives an object the marks of the release.
func (o Owner) Mark(object *unstructured.Unstructured) {
	set(object.GetLabels(), o.labels(), object.SetLabels)
	set(object.GetAnnotations(), o.annotations(), object.SetAnnotations)
}

func (o Owner) labels() map[string]string { return map[string]string{managedByLabel: managedByHelm} }

func (o Owner) annotations() map[string]string {
	return map[string]string{releaseNameAnnotation: o.Release, releaseNamespaceAnnotation: o.Namespace}
}

// set hands on what is there with more laid over it.
func set(there, more map[string]string, to func(map[string]string)) {
	all := map[string]string{}
	for _, each := range []map[string]string{there, more} {
		for key, value := range each {
			all[key] = value
		}
	}
	to(all)
}
