package cluster_test

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

func TestSecrets(t *testing.T) {
	s := need(t)
	site := newSite(t)
	connected := connect(t, s.installerFile)
	namespace := site.namespace
	secret := pullsecret.Secret{Namespace: namespace, Name: "regsecret", Host: "r.example.com", Credentials: lab.Credentials(puller)}

	_, err := pullsecret.Apply(t.Context(), connected, secret)
	var missing *cluster.NoNamespaceError
	if !errors.As(err, &missing) || missing.Namespace != namespace || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("Apply() without a namespace = %v, want that there is none", err)
	}
	if err := lab.ApplyText(t.Context(), s.admin, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: "+namespace+"}\n"), nil); err != nil {
		t.Fatal(err)
	}
	step := func(what string, secret pullsecret.Secret, want pullsecret.Change, wantErr error) {
		t.Helper()
		got, err := pullsecret.Apply(t.Context(), connected, secret)
		if got.Change != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: Apply() = %s, %v, want %s, %v", what, got.Change, err, want, wantErr)
		}
	}
	step("new", secret, pullsecret.Created, nil)
	step("again", secret, pullsecret.Unchanged, nil)
	secret.Credentials = lab.Credentials(owner)
	step("other credentials", secret, pullsecret.Updated, nil)

	// Somebody else's, of another type even.
	foreign := "apiVersion: v1\nkind: Secret\nmetadata: {name: theirs, namespace: " + namespace + "}\ntype: Opaque\nstringData: {a: b}\n"
	if err := lab.ApplyText(t.Context(), s.admin, []byte(foreign), nil); err != nil {
		t.Fatal(err)
	}
	secret.Name = "theirs"
	step("not ours", secret, pullsecret.Foreign, cluster.ErrNotOurs)
	if _, err := pullsecret.Stored(t.Context(), connected, namespace, "theirs", "r.example.com"); err == nil {
		t.Error("a secret that is not ours was changed")
	}
	secret.Force = true
	step("forced", secret, pullsecret.Created, nil)
	if got, err := pullsecret.Stored(t.Context(), connected, namespace, "theirs", "r.example.com"); err != nil || got != lab.Credentials(owner) {
		t.Errorf("Stored() after force = %v, %v, want the owner's", got, err)
	}
}

// Rotation renews every secret of ours for that registry, wherever it is, and nothing else.
func TestRotate(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	opts.InstanceNamespaces = []string{s.namespace + "-demo", s.namespace + "-prod"}
	s.mustInstall(t, opts)
	other := pullsecret.Secret{Namespace: s.namespace, Name: "other", Host: "other.example.com", Credentials: lab.Credentials(puller)}
	if _, err := pullsecret.Apply(t.Context(), opts.Cluster, other); err != nil {
		t.Fatal(err)
	}
	results, err := pullsecret.Rotate(t.Context(), opts.Cluster, s.Registry.Host, lab.Credentials(owner))
	if err != nil || len(results) != 3 {
		t.Fatalf("Rotate() = %v, %v, want 3 secrets", results, err)
	}
	for _, namespace := range append(opts.InstanceNamespaces, s.namespace) {
		if got, err := pullsecret.Stored(t.Context(), opts.Cluster, namespace, "regsecret", s.Registry.Host); err != nil || got != lab.Credentials(owner) {
			t.Errorf("after Rotate() namespace %s has %v, %v, want the owner's", namespace, got, err)
		}
	}
	if got, err := pullsecret.Stored(t.Context(), opts.Cluster, s.namespace, "other", "other.example.com"); err != nil || got != lab.Credentials(puller) {
		t.Errorf("Rotate() touched the secret of another registry: %v, %v", got, err)
	}
}

// An install does not take a secret over that somebody else made; it says so and goes on.
func TestInstallLeavesForeignSecret(t *testing.T) {
	s := newSite(t)
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + s.namespace + "}\n---\n" +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: " + s.namespace + "}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: '{\"auths\":{}}'}\n"
	if err := lab.ApplyText(t.Context(), s.admin, []byte(text), nil); err != nil {
		t.Fatal(err)
	}
	report := s.mustInstall(t, s.options(t))
	if got := report.Secrets[0].Change; got != pullsecret.Foreign || !strings.Contains(s.warnings(), "it was left alone") {
		t.Errorf("Run() = secret %s, warnings %q, want not ours, and left alone", got, s.warnings())
	}
	if report.Check.OK() {
		t.Error("Run() verified a secret without credentials as good")
	}
	opts := s.options(t)
	opts.ForceSecret = true
	if report := s.mustInstall(t, opts); !report.Check.OK() {
		t.Errorf("Run(ForceSecret) = problems %v, want none", report.Check.Problems())
	}
}

// Credentials that may push do not belong into a cluster.
func TestWarnsOfCredentialsThatMayPush(t *testing.T) {
	s := newSiteWithout(t, nil) // which takes pushes
	opts := s.options(t)
	opts.Credentials, opts.DryRun = lab.Credentials(owner), true
	s.mustInstall(t, opts)
	if !strings.Contains(s.warnings(), "allowed to push") {
		t.Errorf("Run() with credentials that may push warned %q, want a word about that", s.warnings())
	}
}

func (s *site) uninstallOptions(t *testing.T) install.UninstallOptions {
	t.Helper()
	return install.UninstallOptions{
		Cluster: connect(t, s.installerFile), Product: s.Product,
		HelmRelease: "postgres-operator", Namespace: s.namespace,
	}
}

func TestUninstall(t *testing.T) {
	for _, inTemplates := range []bool{false, true} {
		name := "CRDs in crds"
		if inTemplates {
			name = "CRDs in templates"
		}
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			opts := s.options(t)
			if inTemplates {
				opts.Subject.Chart = s.chartWithCRDsInTemplates(t)
			}
			demo := s.namespace + "-demo"
			opts.InstanceNamespaces = []string{demo}
			s.mustInstall(t, opts)
			s.instance(t, demo, "pg")

			before := s.objects(t)
			_, err := install.Uninstall(t.Context(), s.uninstallOptions(t))
			if !errors.Is(err, install.ErrInUse) || !strings.Contains(err.Error(), demo+"/pg") {
				t.Fatalf("Uninstall() with an instance = %v, want ErrInUse with its name", err)
			}
			if after := s.objects(t); after != before {
				t.Errorf("Uninstall() refused and changed:\nbefore\n%s\nafter\n%s", before, after)
			}

			force := s.uninstallOptions(t)
			force.Force = true
			removal, err := install.Uninstall(t.Context(), force)
			if err != nil || !removal.Removed {
				t.Fatalf("Uninstall(force) = %+v, %v, want removed", removal, err)
			}
			if got, want := strings.Join(removal.KeptSecrets, " "), demo+"/regsecret"; got != want {
				t.Errorf("Uninstall(force) kept the secrets %q, want %q", got, want)
			}
			if _, err := s.dynamic.Resource(postgres).Namespace(demo).Get(t.Context(), "pg", metav1.GetOptions{}); err != nil {
				t.Errorf("Uninstall(force) lost the instance: %v", err)
			}
			if s.state(t) != "none" {
				t.Errorf("Uninstall(force) left the helm release in state %s", s.state(t))
			}
			left := s.objects(t)
			if strings.Contains(left, "deployments") || strings.Contains(left, "secrets") {
				t.Errorf("Uninstall(force) left\n%s", left)
			}
			// Again there is no such release, which is an error.
			if removal, err := install.Uninstall(t.Context(), force); !errors.Is(err, verify.ErrNotInstalled) || removal.Removed {
				t.Errorf("Uninstall() again = %+v, %v, want that it is not there", removal, err)
			}
			// And back.
			s.mustInstall(t, opts)
		})
	}
}
