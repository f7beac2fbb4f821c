package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// Permission is one thing that has to be allowed.
type Permission struct {
	Verb      string
	Resource  schema.GroupResource
	Namespace string
}

// String is the permission as `kubectl auth can-i` takes it.
func (p Permission) String() string {
	text := p.Verb + " " + p.Resource.String()
	if p.Namespace != "" {
		text += " in namespace " + p.Namespace
	}
	return text
}

// Denied asks the cluster which of these the caller may not do.
func (c *Cluster) Denied(ctx context.Context, wanted []Permission) ([]Permission, error) {
	allowed := make([]bool, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
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

func (c *Cluster) may(ctx context.Context, permission Permission) (bool, error) {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"verb": permission.Verb, "group": permission.Resource.Group,
			"resource": permission.Resource.Resource, "namespace": permission.Namespace,
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

// InstallPermissions are what it takes to install objects as the owner's, besides reading what
// every user may: namespaces that are missing are created, and secretNamespaces get a secret.
func (c *Cluster) InstallPermissions(objects []chart.Object, owner Owner, secretNamespaces, missingNamespaces []string) []Permission {
	var wanted []Permission
	want := func(resource schema.GroupResource, namespace string, verbs ...string) {
		for _, verb := range verbs {
			permission := Permission{Verb: verb, Resource: resource, Namespace: namespace}
			if !slices.Contains(wanted, permission) {
				wanted = append(wanted, permission)
			}
		}
	}
	if len(missingNamespaces) > 0 {
		want(namespaces.GroupResource(), "", "create")
	}
	for _, namespace := range secretNamespaces {
		want(secrets.GroupResource(), namespace, "get", "create", "patch")
	}
	// Helm keeps its records in secrets.
	want(secrets.GroupResource(), owner.Namespace, "list", "update", "delete")
	want(deployments.GroupResource(), owner.Namespace, "get")
	want(Pods.GroupResource(), owner.Namespace, "list")
	for _, object := range objects {
		mapping, known, err := c.Serves(object.GroupVersionKind().GroupKind())
		if err != nil || !known {
			continue
		}
		namespace := ""
		if mapping.Scope.Name() == "namespace" {
			namespace = NamespaceOf(object, owner.Namespace)
		}
		want(mapping.Resource.GroupResource(), namespace, "get", "create", "patch")
		if object.Hook {
			want(mapping.Resource.GroupResource(), namespace, "delete", "watch")
		}
	}
	return wanted
}

// NamespaceOf is the namespace of an object that has one, or else the fallback.
func NamespaceOf(object chart.Object, fallback string) string {
	if object.GetNamespace() != "" {
		return object.GetNamespace()
	}
	return fallback
}

// CheckPermissions fails with everything that is not allowed.
func (c *Cluster) CheckPermissions(ctx context.Context, wanted []Permission) error {
	denied, err := c.Denied(ctx, wanted)
	if err != nil || len(denied) == 0 {
		return err
	}
	return &DeniedError{User: c.user(ctx), Permissions: denied}
}

// CheckEscalation finds out whether the roles among a chart's objects may be created; namespace
// is that of objects which name none. Kubernetes lets
// nobody grant what he does not have himself, and only the API server can tell: it is
// asked to create the roles without doing so.
func (c *Cluster) CheckEscalation(ctx context.Context, objects []chart.Object, namespace string) error {
	for _, object := range objects {
		if object.GroupVersionKind().Group != "rbac.authorization.k8s.io" {
			continue
		}
		mapping, known, err := c.Serves(object.GroupVersionKind().GroupKind())
		if err != nil || !known {
			continue
		}
		client := c.Resource(mapping.Resource, "")
		if mapping.Scope.Name() == "namespace" {
			client = c.Resource(mapping.Resource, NamespaceOf(object, namespace))
		}
		_, err = client.Apply(ctx, object.GetName(), &object.Unstructured,
			metav1.ApplyOptions{FieldManager: Manager, Force: true, DryRun: []string{metav1.DryRunAll}})
		if apierrors.IsForbidden(err) {
			return &EscalationError{Role: object.Title(), Reason: firstLine(err)}
		}
		// A namespace that will only be created later, and the like, says nothing.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// firstLine keeps the API server's list of rules out of the message.
func firstLine(err error) string {
	var status apierrors.APIStatus
	text := err.Error()
	if errors.As(err, &status) {
		text = status.Status().Message
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}
