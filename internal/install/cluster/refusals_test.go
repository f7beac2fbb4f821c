package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// refusing answers requests of a method to paths that end so.
func refusing(method, suffix string, code int, reason, message string) func(*http.Request) *clustertest.Refusal {
	return func(r *http.Request) *clustertest.Refusal {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return nil
		}
		return &clustertest.Refusal{Code: code, Reason: reason, Message: message}
	}
}

// A refusal is a missing permission, but for one that no permission mends: nothing is created in a namespace
// that is on its way out, nor what a quota or a policy refuses. The API server's own words are kept.
func TestExplain(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	terminating := apierrors.NewForbidden(secrets, "regsecret", errors.New("unable to create new content in namespace demo because it is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause, Field: "metadata.namespace"}}
	for _, tt := range []struct {
		name                    string
		err                     error
		denied, unauthenticated bool
	}{
		{"a quota", apierrors.NewForbidden(secrets, "regsecret", errors.New("exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0")), false, false},
		{"a webhook", apierrors.NewForbidden(secrets, "regsecret", errors.New(`admission webhook "v.example.com" denied the request: no`)), false, false},
		{"nothing", nil, false, false},
		{"forbidden", apierrors.NewForbidden(secrets, "regsecret", errors.New("no")), true, false},
		{"unauthorized", apierrors.NewUnauthorized("who are you"), true, true},
		{"terminating", terminating, false, false},
		{"wrapped", fmt.Errorf("doing this: %w", apierrors.NewForbidden(secrets, "regsecret", errors.New("no"))), true, false},
		{"too many", apierrors.NewTooManyRequests("slow down", 1), false, false},
		{"internal", apierrors.NewInternalError(errors.New("etcd")), false, false},
		{"not found", apierrors.NewNotFound(secrets, "regsecret"), false, false},
	} {
		got := cluster.Explain(tt.err)
		if errors.Is(got, cluster.ErrDenied) != tt.denied || errors.Is(got, cluster.ErrUnauthenticated) != tt.unauthenticated {
			t.Errorf("Explain(%s) = %v, want ErrDenied %v, ErrUnauthenticated %v", tt.name, got, tt.denied, tt.unauthenticated)
		}
		if strings.HasPrefix(tt.name, "a ") != errors.Is(got, cluster.ErrPolicy) {
			t.Errorf("Explain(%s) = %v, an ErrPolicy: %v", tt.name, got, errors.Is(got, cluster.ErrPolicy))
		}
		if tt.err != nil && (got.Error() != tt.err.Error() || !errors.Is(got, tt.err)) || tt.err == nil && got != nil {
			t.Errorf("Explain(%s) = %v, want the words and the cause of %v", tt.name, got, tt.err)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	pods := cluster.Permission{Verb: "list", Resource: schema.GroupResource{Resource: "pods"}, Namespace: "pg"}
	for want, err := range map[string]error{
		"the user of the kubeconfig lacks 1 permission\n  may not list pods in namespace pg": &cluster.DeniedError{Permissions: []cluster.Permission{pods}},
		"namespace pg does not exist": &cluster.NoNamespaceError{Namespace: "pg"},
		"the cluster does not know Db.lab.example.com, Cert.x.io, which the chart uses": &cluster.UnknownKindsError{Kinds: []schema.GroupKind{dbKind, {Group: "x.io", Kind: "Cert"}}},
		"ClusterRole op may not be created: it grants too much":                         &cluster.EscalationError{Role: "ClusterRole op", Reason: "it grants too much"},
	} {
		if err.Error() != want {
			t.Errorf("%T = %q, want %q", err, err, want)
		}
	}
}

// What is allowed is the API server's word alone: one that does not answer allows nothing and forbids nothing.
func TestPermissionsThatCannotBeAsked(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	wanted := []cluster.Permission{{Verb: "get", Resource: schema.GroupResource{Resource: "pods"}}}
	server.Refuse(refusing("POST", "/selfsubjectaccessreviews", 500, "InternalError", "the authorizer is away"))
	err := c.CheckPermissions(t.Context(), wanted)
	if err == nil || errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "asking the cluster what is allowed: the authorizer is away") {
		t.Errorf("CheckPermissions() = %v, want that it could not be asked, and no ErrDenied", err)
	}
	if denied, err := c.Denied(t.Context(), wanted); err == nil || denied != nil {
		t.Errorf("Denied() = %v, %v, want an error", denied, err)
	}
	// Who one is may be unknown; what is missing is said all the same.
	server.Refuse(refusing("POST", "/selfsubjectreviews", 404, "NotFound", "an older cluster"))
	server.Deny("get pods")
	var lacks *cluster.DeniedError
	if err := c.CheckPermissions(t.Context(), wanted); !errors.As(err, &lacks) || lacks.User != "" || len(lacks.Permissions) != 1 {
		t.Errorf("CheckPermissions() = %v, want what is lacking, and nobody's name", err)
	}
}

// Each object asks for what is done to it where it will be, once: hooks are watched and deleted too, and what
// has no namespace is asked for without one.
func TestInstallPermissionsOfObjects(t *testing.T) {
	c := clustertest.New(t).Connect(t)
	objects := clustertest.Objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n---\n"+
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: other}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n---\n"+
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: op, namespace: ignored}\n---\napiVersion: none.example.com/v1\nkind: None\nmetadata: {name: n}\n")
	objects[3].Hook = true
	counted := map[string]int{}
	for _, permission := range c.InstallPermissions(t.Context(), objects, house, []string{"pg"}, nil) {
		counted[permission.String()]++
	}
	for _, want := range []string{
		"create configmaps in namespace pg", "patch configmaps in namespace other", "get configmaps in namespace other",
		"watch jobs.batch in namespace pg", "delete jobs.batch in namespace pg", "create clusterroles.rbac.authorization.k8s.io",
		"update secrets in namespace pg", "list pods in namespace pg",
	} {
		if counted[want] != 1 {
			t.Errorf("InstallPermissions() has %q %d times, want once", want, counted[want])
		}
	}
	for _, unwanted := range []string{"create namespaces", "delete configmaps in namespace pg", "create nones.none.example.com in namespace pg"} {
		if counted[unwanted] > 0 {
			t.Errorf("InstallPermissions() asks for %q, which nothing needs", unwanted)
		}
	}
}

// Only what the API server forbids is an escalation; what it cannot tell is said by the install itself.
func TestEscalationThatCannotBeAsked(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	role := clustertest.Objects(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: op, namespace: to-come}\n")
	if err := c.CheckEscalation(t.Context(), role, "pg"); err != nil {
		t.Errorf("CheckEscalation() in a namespace that is only made later = %v", err)
	}
	server.Refuse(refusing("PATCH", "/roles/op", 403, "Forbidden", "it grants too much:\n{APIGroups:[\"\"]}"))
	var refused *cluster.EscalationError
	if err := c.CheckEscalation(t.Context(), role, "pg"); !errors.As(err, &refused) || refused.Reason != "it grants too much:" {
		t.Errorf("CheckEscalation() = %v, want the first line of what the API server says", err)
	}
	server.Refuse(refusing("PATCH", "/roles/op", 500, "InternalError", "etcd is down"))
	if err := c.CheckEscalation(t.Context(), role, "pg"); err != nil {
		t.Errorf("CheckEscalation() of a server that is down = %v, want nothing said", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	server.Refuse(func(*http.Request) *clustertest.Refusal {
		cancel(enough)
		return &clustertest.Refusal{Code: 500, Message: "down"}
	})
	if err := c.CheckEscalation(ctx, role, "pg"); !errors.Is(err, enough) {
		t.Errorf("CheckEscalation() interrupted = %v, want the interrupt", err)
	}
}

// Somebody who was quicker made the namespace: that is no failure, and it is not ours to mark or remove.
func TestEnsureNamespaceMadeByOthers(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	server.Refuse(refusing("POST", "/namespaces", http.StatusConflict, "AlreadyExists", "already exists"))
	if created, err := c.EnsureNamespace(t.Context(), "pg", house); created || err != nil {
		t.Errorf("EnsureNamespace() of one that has come = %v, %v, want that it was not created here", created, err)
	}
	server.Refuse(refusing("POST", "/namespaces", http.StatusForbidden, "Forbidden", "no more projects"))
	if created, err := c.EnsureNamespace(t.Context(), "pg", house); created || !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "creating namespace pg: no more projects") {
		t.Errorf("EnsureNamespace() refused = %v, %v, want ErrDenied and why", created, err)
	}
	server.Refuse(nil)
	server.Put(t, namespace("plain", ""))
	if created, err := c.EnsureNamespace(t.Context(), "plain", house); created || err != nil || cluster.OwnerOf(server.Get("namespaces", "", "plain")) != (cluster.Owner{}) {
		t.Errorf("EnsureNamespace() of one that is there = %v, %v, want it as it was", created, err)
	}
}

// What vanishes, or may not be written, between the look and the mark is said with its name.
func TestMarkingFails(t *testing.T) {
	server := clustertest.New(t)
	object := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg}\n"
	server.Put(t, object)
	c := server.Connect(t)
	found, err := c.Find(t.Context(), clustertest.Objects(t, object), "pg")
	if err != nil || len(found) != 1 {
		t.Fatalf("Find() = %v, %v, want the config map", found, err)
	}
	server.Remove("configmaps", "pg", "c")
	if err := c.Adopt(t.Context(), found[0], house); !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "marking ConfigMap pg/c") {
		t.Errorf("Adopt() of what has gone = %v, want its name and that it is not there", err)
	}
	if server.Get("configmaps", "pg", "c") != nil {
		t.Error("Adopt() made an object that was gone")
	}
	server.Put(t, object)
	server.Deny("patch configmaps")
	if err := c.Adopt(t.Context(), found[0], house); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Adopt() forbidden = %v, want ErrDenied", err)
	}
	if marked, err := c.KeepLive(t.Context(), found[0].Live, house); marked && err == nil {
		t.Errorf("KeepLive() forbidden = %v, %v, want no mark claimed", marked, err)
	}
	server.Refuse(refusing("GET", "/configmaps/c", 500, "InternalError", "etcd is down"))
	if marked, err := c.KeepLive(t.Context(), found[0].Live, house); marked || err == nil || !strings.Contains(err.Error(), "reading ConfigMap pg/c: etcd is down") {
		t.Errorf("KeepLive() of a server that is down = %v, %v, want an error and no mark claimed", marked, err)
	}
	if _, err := c.Find(t.Context(), clustertest.Objects(t, object), "pg"); err == nil || errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "looking for ConfigMap") {
		t.Errorf("Find() of a server that is down = %v, want an error: nothing found would be taken for nothing there", err)
	}
}
