package cluster

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
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
	served, _, err := c.served(ctx)
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupKind
	for _, each := range served {
		if slices.Contains(ruled[each.Group], each.Resource) || slices.Contains(ruled[each.Group], "*") {
			kinds = append(kinds, schema.GroupKind{Group: each.Group, Kind: each.kind})
		}
	}
	slices.SortStableFunc(kinds, func(a, b schema.GroupKind) int { return strings.Compare(a.Group, b.Group) })
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
