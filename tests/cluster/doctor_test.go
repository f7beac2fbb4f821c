package cluster_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// token is a password that says until when it is good, as many registries' do.
func token(until time.Time) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, until.Unix())) + ".signature"
}

// aws is the user of every password that Amazon's ECR gives out, for twelve hours each; shortly is whose
// password ends soon by its own word.
var (
	aws     = registrytest.Account{Username: "AWS", Password: "amazons-password", PullOnly: true}
	shortly = registrytest.Account{Username: "shortly", Password: token(time.Now().Add(20 * time.Hour)), PullOnly: true}
)

// surgery is a site that doctor looks at.
type surgery struct{ *site }

func newSurgery(t *testing.T) *surgery {
	t.Helper()
	need(t)
	registry := registrytest.Distribution(t, registrytest.Options{
		Accounts: []registrytest.Account{owner, puller, aws, shortly}, Tokens: &registrytest.TokenOptions{},
	})
	s := &surgery{siteOf(t, lab.Relocate(t, registry, standin.Options{Bytes: 50_000}, nil))}
	s.mustInstall(t, s.options(t))
	return s
}

// diagnosis is what doctor says of the cluster, by probe.
func (s *surgery) diagnosis(t *testing.T, want int, kubeconfig string, args ...string) map[string]diagnosed {
	t.Helper()
	all := append([]string{"doctor", "--registry", s.Registry.Host, "--namespace", s.namespace, "--only", "target,cluster", "--kubeconfig", kubeconfig, "-o", "json"}, args...)
	out, messages := ends(t, want, s.bare(t, all...))
	var found struct{ Findings []diagnosed }
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("doctor -o json = %s, %v\n%s", out, err, messages)
	}
	probes := map[string]diagnosed{}
	for _, f := range found.Findings {
		if f.Side == "cluster" {
			probes[f.Probe] = f
		}
	}
	return probes
}

type diagnosed struct {
	Side, Probe, Status, Says, Fix string
	About                          []string
}

func wantFinding(t *testing.T, probes map[string]diagnosed, probe, status, words, fix string) {
	t.Helper()
	if f := probes[probe]; f.Status != status || !strings.Contains(f.Says, words) || !strings.Contains(f.Fix, fix) {
		t.Errorf("doctor on %s: %+v\nwant %s …%s… fix …%s…", probe, f, status, words, fix)
	}
}

// give puts a pull secret into a namespace.
func (s *surgery) give(t *testing.T, namespace string, account registrytest.Account) {
	t.Helper()
	config, err := json.Marshal(map[string]any{"auths": map[string]any{s.Registry.Host: map[string]string{"username": account.Username, "password": account.Password}}})
	if err != nil {
		t.Fatal(err)
	}
	secret := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: %s}\ntype: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: %s}\n",
		namespace, base64.StdEncoding.EncodeToString(config))
	if err := lab.ApplyText(t.Context(), s.admin, []byte(secret), nil); err != nil {
		t.Fatal(err)
	}
}

// Whoever may do nothing is told so, permission by permission, and of the rest that it could not be
// looked at; the documented account may do all that an installation needs.
func TestDoctorOnPermissions(t *testing.T) {
	s := newSurgery(t)
	nobody := filepath.Join(t.TempDir(), "nobody")
	account := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: nobody, namespace: pgrelocate}\n"
	if err := lab.ApplyText(t.Context(), s.admin, []byte(account), nil); err != nil {
		t.Fatal(err)
	}
	if err := lab.WriteKubeconfig(t.Context(), s.admin, nobody, "pgrelocate", "nobody"); err != nil {
		t.Fatal(err)
	}
	before := s.objects(t)
	probes := s.diagnosis(t, 5, nobody)
	wantFinding(t, probes, "API server", "ok", "Kubernetes v1.", "")
	wantFinding(t, probes, "permissions", "failed", "permissions that an installation needs are missing", "kubectl auth can-i")
	if len(probes["permissions"].About) < 5 || !strings.Contains(strings.Join(probes["permissions"].About, "\n"), "create secrets") {
		t.Errorf("the permissions that are missing: %q", probes["permissions"].About)
	}
	wantFinding(t, probes, "nodes", "not looked at", "may not be listed", "")
	wantFinding(t, probes, "pull secrets", "not looked at", "may not be read", "")

	probes = s.diagnosis(t, 0, s.installerFile)
	wantFinding(t, probes, "permissions", "ok", "all that every installation needs", "")
	wantFinding(t, probes, "cert-manager", "ok", "its webhook answers", "")
	wantFinding(t, probes, "pull secrets", "ok", "the registry accepts it", "")
	wantFinding(t, probes, "cached images", "ok", "from Kubernetes 1.35 on, nodes ask", "")
	if now := s.objects(t); now != before {
		t.Errorf("doctor changed the cluster from\n%s\nto\n%s", before, now)
	}
}

// cert-manager is there, is there and does not answer, and is not there.
func TestDoctorOnCertManager(t *testing.T) {
	s := newSurgery(t)
	s.certManager.Down.Store(true)
	probes := s.diagnosis(t, 5, s.installerFile)
	s.certManager.Down.Store(false)
	wantFinding(t, probes, "cert-manager", "failed", "webhook", "kubectl get pods -A")
	if err := s.certManager.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.certManager.Install(context.Background()); err != nil {
			t.Error(err)
		}
	})
	wantFinding(t, s.diagnosis(t, 5, s.installerFile), "cert-manager", "failed", "is not installed", "--with-prerequisites")
	if err := s.certManager.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, s.diagnosis(t, 0, s.installerFile), "cert-manager", "ok", "its webhook answers", "")
}

// A pull secret is missing where a database is, is refused, or will not last.
func TestDoctorOnPullSecrets(t *testing.T) {
	s := newSurgery(t)
	demo := s.namespace + "-demo"
	if err := lab.ApplyText(t.Context(), s.admin, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: "+demo+"}\n"), nil); err != nil {
		t.Fatal(err)
	}
	s.pick(t, demo, "payroll", "postgres-17.5")
	wantFinding(t, s.diagnosis(t, 0, s.installerFile), "pull secrets", "warning", "namespace "+demo+" lacks the secret regsecret", "pgrelocate secret --registry "+s.Registry.Host+" --namespace "+demo)
	for _, tt := range []struct {
		account       registrytest.Account
		exit          int
		status, words string
	}{
		{registrytest.Account{Username: "puller", Password: "wrong"}, 5, "failed", "the registry does not accept the secret in namespace " + demo},
		{aws, 0, "warning", "expires in about 12h0m0s"},
		{shortly, 0, "warning", "is a token, and expires in about "},
		{registrytest.Account{Username: "shortly", Password: token(time.Now().Add(-time.Hour))}, 5, "failed", "in namespace " + demo},
		{puller, 0, "ok", "in 2 namespaces, and the registry accepts it"},
	} {
		s.give(t, demo, tt.account)
		wantFinding(t, s.diagnosis(t, tt.exit, s.installerFile), "pull secrets", tt.status, tt.words, "")
	}
}

// A registry that gives its images to everybody needs no pull secret; of one that has none of them yet that cannot
// be told, and nothing is advised.
func TestDoctorOnAnOpenRegistry(t *testing.T) {
	need(t)
	for _, tt := range []struct {
		name          string
		relocated     bool
		status, words string
	}{
		{"with the images", true, "ok", "gives its images without a login: no pull secret is needed"},
		{"without", false, "not looked at", "wants a login cannot be told yet"},
	} {
		registry := registrytest.Distribution(t, registrytest.Options{})
		s := &surgery{siteOf(t, lab.At(t, registry))}
		if tt.relocated {
			lab.Relocate(t, registry, standin.Options{Bytes: 50_000}, nil)
		}
		if err := lab.ApplyText(t.Context(), s.admin, []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: "+s.namespace+"}\n"), nil); err != nil {
			t.Fatal(err)
		}
		probes := s.diagnosis(t, 0, s.installerFile)
		wantFinding(t, probes, "pull secrets", tt.status, tt.words, "")
		if fix := probes["pull secrets"].Fix; fix != "" {
			t.Errorf("doctor on pull secrets, %s, advises %q, want nothing", tt.name, fix)
		}
	}
}

// Nodes of an architecture that the images are not for are told of before a pod is scheduled there.
func TestDoctorOnNodes(t *testing.T) {
	s := newSurgery(t)
	nodes := s.client(t).CoreV1().Nodes()
	add := func(name, architecture string) {
		t.Helper()
		node, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nodes.Delete(context.Background(), name, metav1.DeleteOptions{}) })
		node.Status.NodeInfo.OperatingSystem, node.Status.NodeInfo.Architecture = "linux", architecture
		if _, err := nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	add(s.namespace+"-a", "amd64")
	wantFinding(t, s.diagnosis(t, 0, s.adminFile), "nodes", "ok", "nodes are linux/amd64, and so are the images", "")
	add(s.namespace+"-b", "arm64")
	wantFinding(t, s.diagnosis(t, 0, s.adminFile), "nodes", "warning", "has nothing for linux/arm64", "--platform")
	if err := nodes.Delete(t.Context(), s.namespace+"-a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, s.diagnosis(t, 5, s.adminFile), "nodes", "failed", "nodes are linux/arm64", "--platform")
}
