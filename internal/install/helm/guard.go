package helm

import (
	"sync"

	helmkube "helm.sh/helm/v3/pkg/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// guard stands before everything that helm deletes, and knows what a run has made. Whatever the
// manifests of a release say, old and new, what lasts (cluster.Lasts) is never helm's to delete;
// and what fails takes back what this run made, and nothing that was there before. What was handed to
// another release stays with that.
type guard struct {
	// owner is the release that is at work.
	owner cluster.Owner
	// databases are kinds that last, besides those that always do.
	databases []schema.GroupKind

	mu sync.Mutex
	// undoing says that helm is taking back: only what the run made may go.
	undoing bool
	// order are the objects that were touched, each once, as they came.
	order   []object
	touched map[object]*touch
}

// object is an object in the cluster; the version of its API does not matter.
type object struct {
	kind            schema.GroupKind
	namespace, name string
}

// touch is what happened to an object.
type touch struct {
	info                   *resource.Info
	created, changed, kept bool
	// theirs is the release that it belongs to, where that is another one and it was to be deleted.
	theirs cluster.Owner
}

func objectOf(info *resource.Info) object {
	return object{kind: info.Mapping.GroupVersionKind.GroupKind(), namespace: info.Namespace, name: info.Name}
}

// note finds the account of an object; the caller holds the lock.
func (g *guard) note(info *resource.Info) *touch {
	key := objectOf(info)
	if g.touched == nil {
		g.touched = map[object]*touch{}
	}
	if g.touched[key] == nil {
		g.touched[key] = &touch{info: info}
		g.order = append(g.order, key)
	}
	return g.touched[key]
}

// made notes objects that were just created: those that the API server gave an identity.
func (g *guard) made(resources helmkube.ResourceList) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, info := range resources {
		if accessor, err := meta.Accessor(info.Object); err == nil && accessor.GetUID() != "" {
			g.note(info).created = true
		}
	}
}

// altered notes objects that were there and were sent something.
func (g *guard) altered(resources helmkube.ResourceList) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, info := range resources {
		g.note(info).changed = true
	}
}

// undo begins the taking back.
func (g *guard) undo() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.undoing = true
}

// deletable are those of the resources that helm may delete; what it may not is noted as kept.
func (g *guard) deletable(resources helmkube.ResourceList) helmkube.ResourceList {
	g.mu.Lock()
	defer g.mu.Unlock()
	return resources.Filter(func(info *resource.Info) bool {
		known := g.touched[objectOf(info)]
		own := known != nil && known.created
		if theirs := ownerOf(info); !own && theirs != g.owner && theirs != (cluster.Owner{}) {
			g.note(info).theirs = theirs
			return false
		}
		lasts := cluster.Lasts(info.Mapping.GroupVersionKind.GroupKind(), g.databases) ||
			!(g.undoing && own) && takesVolumes(info)
		if !lasts && (!g.undoing || own) {
			return true
		}
		g.note(info).kept = lasts
		return false
	})
}

// ownerOf is the release that an object belongs to by its marks in the cluster; nobody where it cannot be looked at.
func ownerOf(info *resource.Info) cluster.Owner {
	live, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if err != nil {
		return cluster.Owner{}
	}
	return ownerIn(live)
}

// ownerIn is the release whose marks an object carries.
func ownerIn(object runtime.Object) cluster.Owner {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return cluster.Owner{}
	}
	return cluster.OwnerOf(&unstructured.Unstructured{Object: fields})
}

// takesVolumes tells whether the cluster deletes the volume claims of an object with it, as it does
// for a StatefulSet that asks for that. What cannot be looked at may do so.
func takesVolumes(info *resource.Info) bool {
	if info.Mapping.GroupVersionKind.GroupKind() != (schema.GroupKind{Group: "apps", Kind: "StatefulSet"}) {
		return false
	}
	live, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if err != nil {
		return !apierrors.IsNotFound(err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return true
	}
	policy, _, _ := unstructured.NestedString(fields, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
	return policy == "Delete"
}
