package install

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

// denied asks the cluster which of these the caller may not do.
func (c *Cluster) denied(ctx context.Context, wanted []Permission) ([]Permission, error) {
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
	answer, err := c.of(reviews, "").Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, explain(fmt.Errorf("asking the cluster what is allowed: %w", err))
	}
	allowed, _, _ := unstructured.NestedBool(answer.Object, "status", "allowed")
	return allowed, nil
}

// user is who the cluster takes us for; empty where it does not say.
func (c *Cluster) user(ctx context.Context) string {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
	}}
	answer, err := c.of(whoami, "").Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	name, _, _ := unstructured.NestedString(answer.Object, "status", "userInfo", "username")
	return name
}

// installPermissions are what an install will do, besides reading.
func (c *Cluster) installPermissions(p *Prepared, secretNamespaces, missingNamespaces []string) []Permission {
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
	want(secrets.GroupResource(), p.Namespace, "list", "update", "delete")
	want(deployments.GroupResource(), p.Namespace, "get")
	want(pods.GroupResource(), p.Namespace, "list")
	for _, object := range p.Rendering.Objects {
		mapping, known, err := c.serves(object.GroupVersionKind().GroupKind())
		if err != nil || !known {
			continue
		}
		namespace := ""
		if mapping.Scope.Name() == "namespace" {
			namespace = namespaceOf(object, p.Namespace)
		}
		want(mapping.Resource.GroupResource(), namespace, "get", "create", "patch")
		if object.Hook {
			want(mapping.Resource.GroupResource(), namespace, "delete", "watch")
		}
	}
	return wanted
}

func namespaceOf(object chart.Object, fallback string) string {
	if object.GetNamespace() != "" {
		return object.GetNamespace()
	}
	return fallback
}

// checkPermissions fails with everything that is not allowed.
func (c *Cluster) checkPermissions(ctx context.Context, wanted []Permission) error {
	denied, err := c.denied(ctx, wanted)
	if err != nil || len(denied) == 0 {
		return err
	}
	lines := make([]string, len(denied))
	for i, permission := range denied {
		lines[i] = "may not " + permission.String()
	}
	who := c.user(ctx)
	if who == "" {
		who = "the user of the kubeconfig"
	}
	return &Error{
		Err:     joinErr(ErrDenied, fmt.Errorf("%s lacks %d permissions", who, len(denied))),
		Details: lines,
		Advice:  permissionHint,
	}
}

// checkEscalation finds out whether the chart's roles may be created. Kubernetes lets
// nobody grant what he does not have himself, and only the API server can tell: it is
// asked to create the roles without doing so.
func (c *Cluster) checkEscalation(ctx context.Context, p *Prepared) error {
	for _, object := range p.Rendering.Objects {
		if object.GroupVersionKind().Group != "rbac.authorization.k8s.io" {
			continue
		}
		mapping, known, err := c.serves(object.GroupVersionKind().GroupKind())
		if err != nil || !known {
			continue
		}
		client := c.of(mapping.Resource, "")
		if mapping.Scope.Name() == "namespace" {
			client = c.of(mapping.Resource, namespaceOf(object, p.Namespace))
		}
		_, err = client.Apply(ctx, object.GetName(), &object.Unstructured,
			metav1.ApplyOptions{FieldManager: fieldManager, Force: true, DryRun: []string{metav1.DryRunAll}})
		if apierrors.IsForbidden(err) {
			return withHint(joinErr(ErrDenied, fmt.Errorf("%s may not be created: %s", object.Title(), firstLine(err))),
				"nobody may grant what he may not do himself: let a cluster administrator install, or grant the verbs escalate and bind as examples/rbac.yaml does")
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
