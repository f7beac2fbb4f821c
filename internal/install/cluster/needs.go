package cluster

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// needs collects permissions, each once.
type needs []Permission

func (n *needs) want(resource schema.GroupResource, namespace string, verbs ...string) {
	for _, verb := range verbs {
		n.add(Permission{Verb: verb, Resource: resource, Namespace: namespace})
	}
}

func (n *needs) add(permission Permission) {
	if !slices.Contains(*n, permission) {
		*n = append(*n, permission)
	}
}

// wantFor wants verbs on the resources of objects. Kinds that the cluster does not know are
// another check's business.
func (n *needs) wantFor(ctx context.Context, c *Cluster, objects []chart.Object, namespace string, verbs func(chart.Object) []string) {
	for _, object := range objects {
		mapping, known, err := c.Serves(ctx, object.GroupVersionKind().GroupKind())
		if err != nil || !known {
			continue
		}
		in := ""
		if mapping.Scope.Name() == "namespace" {
			in = NamespaceOf(object, namespace)
		}
		n.want(mapping.Resource.GroupResource(), in, verbs(object)...)
	}
}

// InstallPermissions are what it takes to install objects as the owner's, the reading first:
// namespaces that are missing are created, and secretNamespaces get a secret.
func (c *Cluster) InstallPermissions(ctx context.Context, objects []chart.Object, owner Owner, secretNamespaces, missingNamespaces []string) []Permission {
	var wanted needs
	for _, namespace := range secretNamespaces {
		wanted.add(Permission{Verb: "get", Resource: namespaces.GroupResource(), Namespace: namespace, Name: namespace})
	}
	if len(missingNamespaces) > 0 {
		wanted.want(namespaces.GroupResource(), "", "create")
	}
	for _, namespace := range secretNamespaces {
		wanted.want(Secrets.GroupResource(), namespace, "get", "create", "patch")
	}
	// Helm keeps its records in secrets.
	wanted.want(Secrets.GroupResource(), owner.Namespace, "list", "update", "delete")
	wanted.want(deployments.GroupResource(), owner.Namespace, "get")
	wanted.want(Pods.GroupResource(), owner.Namespace, "list")
	wanted.wantFor(ctx, c, objects, owner.Namespace, func(object chart.Object) []string {
		if object.Hook {
			return []string{"get", "create", "patch", "delete", "watch"}
		}
		return []string{"get", "create", "patch"}
	})
	return wanted
}

// UninstallPermissions are what it takes to remove objects of the owner's, and the secrets in
// namespaces.
func (c *Cluster) UninstallPermissions(ctx context.Context, objects []chart.Object, owner Owner, secretNamespaces []string) []Permission {
	var wanted needs
	wanted.want(Secrets.GroupResource(), owner.Namespace, "list", "update", "delete")
	for _, namespace := range secretNamespaces {
		wanted.want(Secrets.GroupResource(), namespace, "delete")
	}
	wanted.wantFor(ctx, c, objects, owner.Namespace, func(object chart.Object) []string {
		if Lasts(object.GroupVersionKind().GroupKind(), nil) {
			return []string{"get", "patch"}
		}
		return []string{"get", "delete"}
	})
	return wanted
}

// NamespaceOf is the namespace of an object that has one, or else the fallback.
func NamespaceOf(object chart.Object, fallback string) string {
	if object.GetNamespace() != "" {
		return object.GetNamespace()
	}
	return fallback
}
