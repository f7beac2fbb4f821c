package cluster_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

const (
	crd = clustertest.Definition
	db  = clustertest.Database
)

var dbKind = schema.GroupKind{Group: "lab.example.com", Kind: "Db"}

func TestConnect(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	if c.Version() != clustertest.Version || c.Host() != server.URL {
		t.Errorf("Connect() = %s at %s, want %s at %s", c.Version(), c.Host(), clustertest.Version, server.URL)
	}
	apis, err := c.APIVersions(t.Context())
	if err != nil || !slices.Contains(apis, "apps/v1") || !slices.Contains(apis, "apps/v1/Deployment") || !slices.Contains(apis, "v1/Secret") {
		t.Errorf("APIVersions() = %v, %v, want groups and kinds", apis, err)
	}
	if _, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, cluster.ErrNoCluster) || !errors.Is(err, cluster.ErrKubeconfig) {
		t.Errorf("Connect(no such file) = %v, want ErrNoCluster for the kubeconfig", err)
	}
	for code, want := range map[int]error{http.StatusUnauthorized: cluster.ErrUnauthenticated, http.StatusForbidden: cluster.ErrDenied, http.StatusBadGateway: cluster.ErrNoCluster} {
		reason := map[int]string{http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden"}[code]
		server.Refuse(func(*http.Request) *clustertest.Refusal {
			return &clustertest.Refusal{Code: code, Reason: reason, Message: "no"}
		})
		if _, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: server.Kubeconfig(t)}); !errors.Is(err, want) {
			t.Errorf("Connect() answered by %d = %v, want %v", code, err, want)
		}
	}
}

// What a CRD defines is known once it is there, and not before.
func TestKnows(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	if known, err := c.Knows(t.Context(), dbKind); known || err != nil {
		t.Errorf("Knows() before = %v, %v, want no", known, err)
	}
	err := c.CheckKinds(t.Context(), clustertest.Objects(t, db))
	var unknown *cluster.UnknownKindsError
	if !errors.As(err, &unknown) || unknown.Kinds[0] != dbKind {
		t.Errorf("CheckKinds() = %v, want that %v is unknown", err, dbKind)
	}
	if err := c.CheckKinds(t.Context(), clustertest.Objects(t, crd+"---\n"+db)); err != nil {
		t.Errorf("CheckKinds(with its CRD) = %v", err)
	}
	server.Put(t, crd)
	c.Refresh()
	if known, err := c.Knows(t.Context(), dbKind); !known || err != nil {
		t.Errorf("Knows() = %v, %v, want yes", known, err)
	}
}

func TestNamespaces(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	owner := cluster.Owner{Namespace: "pg", Release: "r"}
	for _, want := range []bool{true, false} {
		if created, err := c.EnsureNamespace(t.Context(), "pg", owner); created != want || err != nil {
			t.Errorf("EnsureNamespace() = %v, %v, want %v", created, err, want)
		}
	}
	if got := cluster.OwnerOf(server.Get("namespaces", "", "pg")); got != owner {
		t.Errorf("EnsureNamespace() made it %v's, want %v's", got, owner)
	}
	if exists, err := c.HasNamespace(t.Context(), "pg"); !exists || err != nil {
		t.Errorf("HasNamespace(pg) = %v, %v", exists, err)
	}
	if exists, err := c.HasNamespace(t.Context(), "none"); exists || err != nil {
		t.Errorf("HasNamespace(none) = %v, %v", exists, err)
	}
	server.Deny("get namespaces")
	if _, err := c.HasNamespace(t.Context(), "pg"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("HasNamespace() forbidden = %v, want ErrDenied", err)
	}
}

func TestNamespacesOfARelease(t *testing.T) {
	server := clustertest.New(t)
	for _, name := range []string{"a", "b"} {
		server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: sh.helm.release.v1.r.v1, namespace: "+name+", labels: {owner: helm, name: r}}\n")
	}
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: c, labels: {owner: helm, name: s}}\n")
	got, err := server.Connect(t).NamespacesOf(t.Context(), "r")
	if err != nil || strings.Join(got, " ") != "a b" {
		t.Errorf("NamespacesOf(r) = %v, %v, want a and b", got, err)
	}
}

func TestPermissions(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	objects := clustertest.Objects(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: op}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: other}\n---\n"+crd)
	owner := cluster.Owner{Namespace: "pg", Release: "r"}
	wanted := c.InstallPermissions(t.Context(), objects, owner, []string{"pg", "demo"}, []string{"demo"})
	if err := c.CheckPermissions(t.Context(), wanted); err != nil {
		t.Errorf("CheckPermissions() = %v, want all allowed", err)
	}
	server.Deny("create deployments.apps", "get namespaces", "patch secrets")
	err := c.CheckPermissions(t.Context(), wanted)
	var denied *cluster.DeniedError
	if !errors.As(err, &denied) || !errors.Is(err, cluster.ErrDenied) || denied.User != clustertest.User {
		t.Fatalf("CheckPermissions() = %v, want what is denied, and to whom", err)
	}
	want := clustertest.User + ` lacks 5 permissions
  may not get namespaces pg
  may not get namespaces demo
  may not patch secrets in namespace pg
  may not patch secrets in namespace demo
  may not create deployments.apps in namespace pg`
	if err.Error() != want {
		t.Errorf("CheckPermissions() = %s\nwant\n%s", err, want)
	}
}

// What an uninstall needs: to delete what goes, and to mark what stays.
func TestUninstallPermissions(t *testing.T) {
	c := clustertest.New(t).Connect(t)
	var got []string
	for _, permission := range c.UninstallPermissions(t.Context(), clustertest.Objects(t, crd+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"), cluster.Owner{Namespace: "pg", Release: "r"}, []string{"demo"}) {
		got = append(got, permission.String())
	}
	want := []string{
		"list secrets in namespace pg", "update secrets in namespace pg", "delete secrets in namespace pg", "delete secrets in namespace demo",
		"get customresourcedefinitions.apiextensions.k8s.io", "patch customresourcedefinitions.apiextensions.k8s.io",
		"get configmaps in namespace pg", "delete configmaps in namespace pg",
	}
	if !slices.Equal(got, want) {
		t.Errorf("UninstallPermissions() = %q, want %q", got, want)
	}
}

func TestEscalation(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	role := clustertest.Objects(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: op}\n")
	server.Writes()
	if err := c.CheckEscalation(t.Context(), role, "pg"); err != nil || len(server.Writes()) > 0 {
		t.Errorf("CheckEscalation() = %v, want nil, and nothing written", err)
	}
	server.Deny("patch clusterroles.rbac.authorization.k8s.io")
	var refused *cluster.EscalationError
	if err := c.CheckEscalation(t.Context(), role, "pg"); !errors.As(err, &refused) || refused.Role != "ClusterRole op" || !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("CheckEscalation() = %v, want that the role may not be created", err)
	}
}
