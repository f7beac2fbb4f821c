package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// Managed are the custom kinds that what a chart brings looks after, as far as its roles tell: of which it
// may write the status or the finalizers, or everything in their group. Whoever only makes objects of a kind
// for others to look after, certificates say, may not do that. A role for all groups says nothing.
func (c *Cluster) Managed(ctx context.Context, objects []chart.Object) ([]schema.GroupKind, error) {
	ruled := map[string][]string{}
	for _, object := range objects {
		if object.GroupVersionKind().Group == "rbac.authorization.k8s.io" {
			collectRuled(ruled, &object.Unstructured)
		}
	}
	if len(ruled) == 0 {
		return nil, nil
	}
	served, err := c.served(ctx)
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupKind
	for _, group := range slices.Sorted(maps.Keys(ruled)) {
		for _, resource := range served[group] {
			if slices.Contains(ruled[group], resource.name) || slices.Contains(ruled[group], "*") {
				kinds = append(kinds, schema.GroupKind{Group: group, Kind: resource.kind})
			}
		}
	}
	return kinds, nil
}

// collectRuled adds by API group the resources that a role is about as who looks after them.
func collectRuled(ruled map[string][]string, role *unstructured.Unstructured) {
	rules, _, _ := unstructured.NestedSlice(role.Object, "rules")
	for _, each := range rules {
		rule, _ := each.(map[string]any)
		if !slices.ContainsFunc(textsIn(rule["verbs"]), func(verb string) bool { return verb == "*" || verb == "update" || verb == "patch" }) {
			continue
		}
		for _, group := range textsIn(rule["apiGroups"]) {
			if isBuiltin(group) || group == "*" {
				continue
			}
			for _, resource := range textsIn(rule["resources"]) {
				name, part, _ := strings.Cut(resource, "/")
				if resource == "*" || part == "status" || part == "finalizers" {
					ruled[group] = append(ruled[group], name)
				}
			}
		}
	}
}

func textsIn(value any) []string {
	list, _ := value.([]any)
	var texts []string
	for _, each := range list {
		if text, ok := each.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// isBuiltin tells whether an API group is Kubernetes' own: its names have no dot, or end as below.
func isBuiltin(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

// resource is what a cluster serves: its name in addresses and in roles, and its kind.
type resource struct{ name, kind string }

// served are the resources that can be listed, by API group.
func (c *Cluster) served(ctx context.Context) (map[string][]resource, error) {
	lists, err := heed.Call(ctx, c.discovery.ServerPreferredResources)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, Explain(fmt.Errorf("asking the cluster for its APIs: %w", err))
	}
	all := map[string][]resource{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // it is no name of a group
		}
		for _, each := range list.APIResources {
			if slices.Contains(each.Verbs, "list") && !strings.Contains(each.Name, "/") {
				all[version.Group] = append(all[version.Group], resource{each.Name, each.Kind})
			}
		}
	}
	return all, nil
}
