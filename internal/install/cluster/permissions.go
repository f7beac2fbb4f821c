package cluster

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Permission is one thing that has to be allowed.
type Permission struct {
	Verb      string
	Resource  schema.GroupResource
	Namespace string
	// Name is one object; empty is any.
	Name string
}

// String is the permission as `kubectl auth can-i` takes it.
func (p Permission) String() string {
	text := p.Verb + " " + p.Resource.String()
	if p.Name != "" {
		text += " " + p.Name
	}
	if p.Namespace != "" && p.Namespace != p.Name {
		text += " in namespace " + p.Namespace
	}
	return text
}

// Denied asks the cluster which of these the caller may not do.
func (c *Cluster) Denied(ctx context.Context, wanted []Permission) ([]Permission, error) {
	allowed := make([]bool, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, permission := range wanted {
		group.Go(func() (err error) {
			allowed[i], err = c.may(ctx, permission)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var denied []Permission
	for i, permission := range wanted {
		if !allowed[i] {
			denied = append(denied, permission)
		}
	}
	return denied, nil
}

// CheckPermissions fails with everything that is not allowed, a *DeniedError.
func (c *Cluster) CheckPermissions(ctx context.Context, wanted []Permission) error {
	denied, err := c.Denied(ctx, wanted)
	if err != nil || len(denied) == 0 {
		return err
	}
	return &DeniedError{User: c.user(ctx), Permissions: denied}
}

func (c *Cluster) may(ctx context.Context, permission Permission) (bool, error) {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"verb": permission.Verb, "group": permission.Resource.Group, "resource": permission.Resource.Resource,
			"namespace": permission.Namespace, "name": permission.Name,
		}},
	}}
	answer, err := c.Resource(reviews, "").Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, Explain(fmt.Errorf("asking the cluster what is allowed: %w", err))
	}
	allowed, _, _ := unstructured.NestedBool(answer.Object, "status", "allowed")
	return allowed, nil
}

// user is who the cluster takes us for; empty where it does not say.
func (c *Cluster) user(ctx context.Context) string {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
	}}
	answer, err := c.Resource(whoami, "").Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	name, _, _ := unstructured.NestedString(answer.Object, "status", "userInfo", "username")
	return name
}
