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
	named, wide, err := c.Ruled(ctx, objects)
	return append(named, wide...), err
}

// Ruled are the kinds of Managed: those whose status or finalizers a role names, and those of which roles tell
// no more than that everything in their group may be written.
func (c *Cluster) Ruled(ctx context.Context, objects []chart.Object) (named, wide []schema.GroupKind, err error) {
	ruled := map[string][]string{}
	for _, object := range objects {
		if object.GroupVersionKind().Group == "rbac.authorization.k8s.io" {
			collectRuled(ruled, &object.Unstructured)
		}
	}
	if len(ruled) == 0 {
		return nil, nil, nil
	}
	served, _, err := c.served(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, each := range served {
		kind := schema.GroupKind{Group: each.Group, Kind: each.kind}
		switch {
		case slices.Contains(ruled[each.Group], each.Resource):
			named = append(named, kind)
		case slices.Contains(ruled[each.Group], "*"):
			wide = append(wide, kind)
		}
	}
	byGroup := func(a, b schema.GroupKind) int { return strings.Compare(a.Group, b.Group) }
	slices.SortStableFunc(named, byGroup)
	slices.SortStableFunc(wide, byGroup)
	return named, wide, nil
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
