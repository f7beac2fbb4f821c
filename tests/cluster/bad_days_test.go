package cluster_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// fails runs an install that has to fail as wanted, and without a password in its message.
func (s *site) fails(t *testing.T, opts install.Options, want error, words ...string) error {
	t.Helper()
	_, err := install.Run(t.Context(), opts)
	if !errors.Is(err, want) {
		t.Fatalf("Run() = %v, want %v", err, want)
	}
	text := err.Error()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("Run() = %s, want it to say %q", text, word)
		}
	}
	for _, password := range []string{puller.Password, owner.Password} {
		if strings.Contains(text, password) {
			t.Errorf("Run() shows a password: %s", text)
		}
	}
	return err
}

// untouched fails an install that must not change anything.
func (s *site) untouched(t *testing.T, opts install.Options, want error, words ...string) {
	t.Helper()
	before := s.objects(t)
	_ = s.fails(t, opts, want, append(words, "nothing in the cluster was changed")...)
	if after := s.objects(t); after != before {
		t.Errorf("a failed Run() changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}
}

func TestNoCluster(t *testing.T) {
	s := need(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "https://" + listener.Addr().String()
	listener.Close()
	dir := t.TempDir()
	write := func(name, host, token string) string {
		config := lab.Kubeconfig(s.admin, token)
		config.Clusters["c"].Server = host
		file := filepath.Join(dir, name)
		if err := clientcmd.WriteToFile(config, file); err != nil {
			t.Fatal(err)
		}
		return file
	}
	garbled := filepath.Join(dir, "garbled")
	if err := os.WriteFile(garbled, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		access cluster.Access
		words  string
		file   bool
	}{
		{"nobody listens", cluster.Access{Kubeconfig: write("closed", closed, "x")}, closed, false},
		{"no such file", cluster.Access{Kubeconfig: filepath.Join(dir, "none")}, "none", true},
		{"garbled file", cluster.Access{Kubeconfig: garbled}, "garbled", true},
		{"no such context", cluster.Access{Kubeconfig: s.adminFile, Context: "elsewhere"}, "elsewhere", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := cluster.Connect(t.Context(), tt.access)
			if !errors.Is(err, cluster.ErrNoCluster) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("Connect() = %v, want ErrNoCluster with %q", err, tt.words)
			}
			if got := errors.Is(err, cluster.ErrKubeconfig); got != tt.file {
				t.Errorf("Connect() = %v, blames the kubeconfig: %v, want %v", err, got, tt.file)
			}
		})
	}
}

// A token that has expired is not a cluster that is not there.
func TestRefusedByTheCluster(t *testing.T) {
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "expired")
	if err := clientcmd.WriteToFile(lab.Kubeconfig(s.admin, "expired"), file); err != nil {
		t.Fatal(err)
	}
	connected, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: file})
	if err == nil {
		opts := s.options(t)
		opts.Cluster = connected
		_, err = install.Run(t.Context(), opts)
	}
	if !errors.Is(err, cluster.ErrDenied) || !errors.Is(err, cluster.ErrUnauthenticated) {
		t.Errorf("with an expired token: %v, want ErrDenied, for it was not accepted", err)
	}
}

// Each permission that is missing is named before anything is changed.
func TestMissingPermission(t *testing.T) {
	tests := []struct {
		group, resource, verb string
		want                  string
	}{
		{"", "namespaces", "create", "create namespaces"},
		{"", "secrets", "patch", "patch secrets in namespace"},
		{"apps", "deployments", "create", "create deployments.apps in namespace"},
		{"apiextensions.k8s.io", "customresourcedefinitions", "patch", "patch customresourcedefinitions.apiextensions.k8s.io"},
		{"rbac.authorization.k8s.io", "clusterroles", "create", "create clusterroles.rbac.authorization.k8s.io"},
		{"rbac.authorization.k8s.io", "clusterroles", "escalate", "may not be created"},
		{"cert-manager.io", "certificates", "create", "create certificates.cert-manager.io in namespace cert-manager"},
		{"", "pods", "list", "list pods"},
	}
	s := newSite(t)
	for _, tt := range tests {
		t.Run(tt.verb+" "+tt.resource, func(t *testing.T) {
			opts := s.options(t)
			opts.Cluster = connect(t, s.without(t, tt.group, tt.resource, tt.verb))
			s.untouched(t, opts, cluster.ErrDenied, tt.want)
			var escalation *cluster.EscalationError
			if _, err := install.Run(t.Context(), opts); errors.As(err, &escalation) != (tt.verb == "escalate") {
				t.Errorf("Run() = %v, an escalation: %v", err, escalation != nil)
			}
		})
	}
}

// without makes a user who has the documented permissions but one, and returns its
// kubeconfig.
func (s *site) without(t *testing.T, group, resource, verb string) string {
	t.Helper()
	name := strings.ToLower("without-" + verb + "-" + resource)
	taken := false
	err := lab.Apply(t.Context(), s.admin, filepath.Join("..", "..", "examples", "rbac.yaml"), func(object *unstructured.Unstructured) bool {
		if object.GetKind() == "Namespace" {
			return false
		}
		object.SetName(name)
		if object.GetKind() == "ClusterRoleBinding" {
			_ = unstructured.SetNestedField(object.Object, name, "roleRef", "name")
			subjects, _, _ := unstructured.NestedSlice(object.Object, "subjects")
			subjects[0].(map[string]any)["name"] = name
			_ = unstructured.SetNestedSlice(object.Object, subjects, "subjects")
		}
		if object.GetKind() == "ClusterRole" {
			rules, _, _ := unstructured.NestedSlice(object.Object, "rules")
			for _, rule := range rules {
				rule := rule.(map[string]any)
				if has(rule["apiGroups"], group) && has(rule["resources"], resource) {
					rule["verbs"], taken = drop(rule["verbs"], verb), true
				}
			}
			_ = unstructured.SetNestedSlice(object.Object, rules, "rules")
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if !taken {
		t.Fatalf("examples/rbac.yaml has no rule for %s %s", resource, group)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := lab.WriteKubeconfig(t.Context(), s.admin, file, "pgrelocate", name); err != nil {
		t.Fatal(err)
	}
	return file
}

func has(list any, word string) bool {
	for _, each := range list.([]any) {
		if each == word {
			return true
		}
	}
	return false
}

func drop(list any, word string) []any {
	var kept []any
	for _, each := range list.([]any) {
		if each != word {
			kept = append(kept, each)
		}
	}
	return kept
}

func TestNoCertManager(t *testing.T) {
	s := newSite(t)
	if err := s.certManager.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.certManager.Install(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	_, err := install.Run(t.Context(), s.options(t))
	if !errors.Is(err, cluster.ErrNoPrerequisite) || !strings.Contains(err.Error(), "cert-manager is not installed") {
		t.Errorf("Run() = %v, want that cert-manager is missing", err)
	}
}

func TestCertManagerDoesNotAnswer(t *testing.T) {
	s := newSite(t)
	s.certManager.Down.Store(true)
	defer s.certManager.Down.Store(false)
	asked := s.certManager.Asked.Load()
	_, err := install.Run(t.Context(), s.options(t))
	if !errors.Is(err, cluster.ErrNoAnswer) || !strings.Contains(err.Error(), "webhook does not answer") {
		t.Errorf("Run() = %v, want that the webhook does not answer", err)
	}
	if s.certManager.Asked.Load() == asked {
		t.Error("Run() never asked the webhook")
	}
}

func TestWrongPullPassword(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	opts.Credentials.Password = "expired"
	s.untouched(t, opts, registry.ErrUnauthorized, "pull credentials")
}

func TestOperatorNotRelocated(t *testing.T) {
	s := newSiteWithout(t, func(a versions.Artifact) bool { return a.Role == versions.RoleOperator })
	s.untouched(t, s.options(t), preparation.ErrNotMirrored, "postgres-operator:v4.3.1")
}

func TestChartNotRelocated(t *testing.T) {
	s := newSiteWithout(t, func(a versions.Artifact) bool { return a.Role == versions.RoleChart })
	s.untouched(t, s.options(t), preparation.ErrNotMirrored, "vmware-sql-postgres-operator:v4.3.1")
}

func TestOwnValuesThatNameTheVendor(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	opts.Subject.User.Set = []string{"operatorImage=tanzu-sql-postgres.packages.broadcom.com/postgres-operator:v4.3.1"}
	_, err := install.Run(t.Context(), opts)
	if err == nil || !strings.Contains(err.Error(), "names relocated images where they come from") {
		t.Errorf("Run() = %v, want that the source registry is still named", err)
	}
}

// Versions that were left behind: said by default, refused, or left out.
func TestVersionNotRelocated(t *testing.T) {
	is175 := func(a versions.Artifact) bool {
		return a.Role == versions.RoleInstance && a.Versions[0].String() == "17.5"
	}
	s := newSiteWithout(t, is175)
	opts := s.options(t)
	opts.Strict = true
	s.untouched(t, opts, preparation.ErrNotMirrored, "postgres-17.5", "postgres-17.5-lite")

	opts = s.options(t)
	report := s.mustInstall(t, opts)
	if !strings.Contains(s.warnings(), "postgres-17.5, postgres-17.5-lite") {
		t.Errorf("Run() warned %q, want the two versions named", s.warnings())
	}
	for _, version := range report.Check.Versions {
		if want := !strings.HasPrefix(version.Name, "postgres-17.5"); (version.Err == nil) != want {
			t.Errorf("%s pulls: %v, want %v", version.Name, version.Err, want)
		}
	}

	opts = s.options(t)
	opts.OnlyMirrored = true
	report = s.mustInstall(t, opts)
	list, err := s.dynamic.Resource(postgresversions).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 18 || !report.Check.OK() {
		t.Errorf("with OnlyMirrored: %d versions, %v, problems %v, want 18 and none", len(list.Items), err, report.Check.Problems())
	}
}

// A dry run tells what it would do, changes nothing, and gets by without any permission
// to write.
func TestDryRun(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	opts.DryRun = true
	opts.Cluster = connect(t, s.readOnly(t))
	before := s.objects(t)
	report := s.mustInstall(t, opts)
	if after := s.objects(t); after != before {
		t.Errorf("a dry run changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}
	actions := strings.Join(report.Actions, "\n")
	for _, want := range []string{"create namespace " + s.namespace, "apply secret regsecret", "apply CRD postgresversions.sql.tanzu.vmware.com", "helm upgrade --install postgres-operator"} {
		if !strings.Contains(actions, want) {
			t.Errorf("Run(dry) = actions\n%s\nwant %q among them", actions, want)
		}
	}
	if !strings.Contains(s.warnings(), "would need: create deployments.apps") {
		t.Errorf("Run(dry) warned %q, want what the install itself needs", s.warnings())
	}
}

// readOnly is the kubeconfig of somebody who may read and nothing else.
func (s *site) readOnly(t *testing.T) string {
	t.Helper()
	text := `
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: pgrelocate}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: pgrelocate}]
`
	if err := lab.ApplyText(t.Context(), s.admin, []byte(text), nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "reader")
	if err := lab.WriteKubeconfig(t.Context(), s.admin, file, "pgrelocate", "reader"); err != nil {
		t.Fatal(err)
	}
	return file
}
