package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// resource is what a cluster serves, in the version that it prefers, and the kind of its objects.
type resource struct {
	schema.GroupVersionResource
	kind string
}

// served are the resources whose objects can be listed. The API groups that the cluster could not tell about are
// unknown.
func (c *Cluster) served(ctx context.Context) (all []resource, unknown []string, err error) {
	lists, err := heed.Call(ctx, c.discovery.ServerPreferredResources)
	var failed *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &failed) {
		return nil, nil, Explain(fmt.Errorf("asking the cluster for its APIs: %w", err))
	}
	if failed != nil {
		for version := range maps.Keys(failed.Groups) {
			unknown = append(unknown, version.String())
		}
		slices.Sort(unknown)
	}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // it is no name of a group
		}
		for _, each := range list.APIResources {
			if slices.Contains(each.Verbs, "list") && !strings.Contains(each.Name, "/") {
				all = append(all, resource{version.WithResource(each.Name), each.Kind})
			}
		}
	}
	return all, unknown, nil
}

// Listable are the resources whose objects can be listed, each in the version that the cluster
// prefers, in order. The API groups that the cluster could not tell about are unknown.
func (c *Cluster) Listable(ctx context.Context) (found []schema.GroupVersionResource, unknown []string, err error) {
	served, unknown, err := c.served(ctx)
	for _, each := range served {
		found = append(found, each.GroupVersionResource)
	}
	slices.SortFunc(found, func(a, b schema.GroupVersionResource) int {
		return strings.Compare(a.GroupResource().String(), b.GroupResource().String())
	})
	return slices.Compact(found), unknown, err
}

// KindsIn are the kinds of an API group whose objects can be listed, in order.
func (c *Cluster) KindsIn(ctx context.Context, group string) ([]schema.GroupKind, error) {
	served, _, err := c.served(ctx)
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupKind
	for _, each := range served {
		if each.Group == group {
			kinds = append(kinds, schema.GroupKind{Group: group, Kind: each.kind})
		}
	}
	slices.SortFunc(kinds, func(a, b schema.GroupKind) int { return strings.Compare(a.Kind, b.Kind) })
	return slices.Compact(kinds), nil
}

// EachPage lists all objects of a resource, in all namespaces, a page at a time, until visit says
// that it has enough.
func (c *Cluster) EachPage(ctx context.Context, resource schema.GroupVersionResource, visit func([]unstructured.Unstructured) (more bool)) error {
	opts := metav1.ListOptions{Limit: 500}
	for {
		page, err := c.Resource(resource, "").List(ctx, opts)
		if err != nil {
			return Explain(fmt.Errorf("listing %s: %w", resource.Resource, err))
		}
		if opts.Continue = page.GetContinue(); !visit(page.Items) || opts.Continue == "" {
			return nil
		}
	}
}
