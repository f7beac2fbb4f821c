package node_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install"
	kube "github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

var puller = registrytest.Account{Username: "puller", Password: "pullers-password"}

// place is a private registry with basic authentication, and a namespace.
type place struct {
	*lab.Relocated
	namespace string
	client    *kubernetes.Clientset

	mu      sync.Mutex
	pending []readiness.Pending
}

// newPlace relocates a release of two versions in two editions whose operator runs.
func newPlace(t *testing.T, namespace string, opts registrytest.Options) *place {
	t.Helper()
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	few, err := postgres.ParseExpression("17.5,16.9")
	if err != nil {
		t.Fatal(err)
	}
	opts.Accounts = []registrytest.Account{puller}
	client, err := kubernetes.NewForConfig(node.admin)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{namespace: namespace, client: client}
	p.Relocated = lab.Relocate(t, registrytest.Debian(t, opts), standin.Options{
		Versions: few, Bytes: 200_000, OperatorBinary: node.wait,
	}, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		connected, err := kube.Connect(ctx, kube.Access{Kubeconfig: node.installerFile})
		if err != nil {
			t.Error(err)
			return
		}
		_, err = install.Uninstall(ctx, install.UninstallOptions{
			Cluster: connected, Product: p.Product, HelmRelease: "postgres-operator",
			Namespace: namespace, Force: true,
		})
		if err != nil {
			t.Errorf("Uninstall() = %v", err)
		}
		removeDefinitions(ctx, t)
	})
	return p
}

// removeDefinitions removes the CRDs that an uninstall keeps: each test begins without the
// databases of the one before it, and without their kinds.
func removeDefinitions(ctx context.Context, t *testing.T) {
	client, err := dynamic.NewForConfig(node.admin)
	if err != nil {
		t.Error(err)
		return
	}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	found, err := definitions.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	for _, definition := range found.Items {
		if strings.HasSuffix(definition.GetName(), ".sql.tanzu.vmware.com") {
			if err := definitions.Delete(ctx, definition.GetName(), metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	}
}

func (p *place) cluster(t *testing.T) *kube.Cluster {
	t.Helper()
	connected, err := kube.Connect(t.Context(), kube.Access{Kubeconfig: node.installerFile})
	if err != nil {
		t.Fatal(err)
	}
	return connected
}

func (p *place) options(t *testing.T, login pullsecret.Credentials) install.Options {
	t.Helper()
	reg, err := p.Dial(p.Registry.Host, lab.Credentials(puller))
	if err != nil {
		t.Fatal(err)
	}
	return install.Options{
		Subject: p.Subject(p.namespace), Cluster: p.cluster(t), Registry: reg, Dial: p.Dial,
		Credentials: login, OnlyMirrored: true, Timeout: 2 * time.Minute,
		Hooks: install.Hooks{Waiting: func(pending []readiness.Pending) {
			p.mu.Lock()
			p.pending = pending
			p.mu.Unlock()
		}},
	}
}

// verify lets the node pull, and wants no pod to stay behind.
func (p *place) verify(t *testing.T) *verify.Check {
	t.Helper()
	opts := p.Verification(p.cluster(t), p.namespace)
	opts.Pull = true
	check, err := verify.Run(t.Context(), opts)
	if err != nil {
		t.Fatalf("Verify() = %v\n%s", err, node.tails())
	}
	left, err := p.client.CoreV1().Pods(p.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "pgrelocate.dev/purpose=pull-check"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range left.Items {
		if pod.DeletionTimestamp == nil {
			t.Errorf("Verify() left pod %s behind", pod.Name)
		}
	}
	return check
}

// The operator's pod pulls the relocated image with the pull secret and runs, and the node
// can pull every version. Without the secret, and with a wrong one, the same is reported
// as what it is.
func TestNodePulls(t *testing.T) {
	p := newPlace(t, "postgres-system", registrytest.Options{})
	report, err := install.Run(t.Context(), p.options(t, lab.Credentials(puller)))
	if err != nil {
		t.Fatalf("Run() = %v\n%s", err, node.tails())
	}
	if !report.Check.OK() || len(report.Check.Versions) != 4 || report.Check.Workloads[0].Err != nil {
		t.Errorf("Run() = problems %v, %d versions, want none and 4", report.Check.Problems(), len(report.Check.Versions))
	}
	p.wantRunning(t)

	check := p.verify(t)
	if !check.OK() {
		t.Errorf("Verify(pull) = problems %v, want none", check.Problems())
	}
	for _, version := range check.Versions {
		if version.Node == nil || !*version.Node {
			t.Errorf("%s was not pulled by the node", version.Name)
		}
	}

	t.Run("without the secret", func(t *testing.T) {
		if err := p.client.CoreV1().Secrets(p.namespace).Delete(t.Context(), lab.PullSecret, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		p.wantRefused(t, readiness.PullSecretMissing)
	})
	t.Run("with a wrong password", func(t *testing.T) {
		wrong := pullsecret.Secret{Namespace: p.namespace, Name: lab.PullSecret, Host: p.Registry.Host,
			Credentials: pullsecret.Credentials{Username: puller.Username, Password: "expired"}}
		if _, err := pullsecret.Apply(t.Context(), p.cluster(t), wrong); err != nil {
			t.Fatal(err)
		}
		p.wantRefused(t, readiness.PullSecretRefused)
	})
}

// wantRunning looks at the pod itself.
func (p *place) wantRunning(t *testing.T) {
	t.Helper()
	pods, err := p.client.CoreV1().Pods(p.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=postgres-operator"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d pods of the operator, %v, want one", len(pods.Items), err)
	}
	status := pods.Items[0].Status
	if status.Phase != corev1.PodRunning {
		t.Errorf("the operator's pod is %s, want running", status.Phase)
	}
	digest := p.Registry.Digest(t, "tanzu-sql-postgres/postgres-operator:v4.3.1").String()
	if id := status.ContainerStatuses[0].ImageID; !strings.HasPrefix(id, p.Registry.Host) || !strings.HasSuffix(id, digest) {
		t.Errorf("the operator runs %s, want %s from %s", id, digest, p.Registry.Host)
	}
}

// wantRefused wants the node's own word that it cannot pull.
func (p *place) wantRefused(t *testing.T, want readiness.TroubleKind) {
	t.Helper()
	check := p.verify(t)
	for _, version := range check.Versions {
		if version.Err == nil || version.Node == nil || *version.Node {
			t.Errorf("%s = pulls %v, node %v, want that the node was refused", version.Name, version.Err == nil, version.Node)
		}
		var stuck *verify.StuckError
		if !errors.As(version.Err, &stuck) || !strings.Contains(stuck.Reason, "401") || stuck.Trouble.Kind != want {
			t.Errorf("%s: %v, want 401 and trouble %v", version.Name, version.Err, want)
		}
	}
}

// We can reach the registry and the node cannot, for it does not know the authority that
// signed its certificate.
func TestAuthorityUnknownToTheNode(t *testing.T) {
	p := newPlace(t, "tls-system", registrytest.Options{TLS: true})
	if err := node.trust(p.Registry.Host, ""); err != nil {
		t.Fatal(err)
	}
	opts := p.options(t, lab.Credentials(puller))
	opts.Timeout = 25 * time.Second
	_, err := install.Run(t.Context(), opts)
	if !errors.Is(err, kube.ErrNotReady) || !strings.Contains(err.Error(), "x509") || strings.Contains(err.Error(), "deadline") {
		t.Fatalf("Run() = %v, want the node's x509 error and no deadline\n%s", err, node.tails())
	}
	var notReady *readiness.NotReadyError
	if !errors.As(err, &notReady) || notReady.Pending[0].Trouble.Kind != readiness.Untrusted {
		t.Errorf("Run() does not tell that the certificate authority is the trouble: %v", err)
	}
	p.mu.Lock()
	if len(p.pending) != 1 || !strings.Contains(p.pending[0].Reason, "x509") {
		t.Errorf("while waiting: %v, want the reason", p.pending)
	}
	p.mu.Unlock()

	// The hint is the way out.
	if err := node.trust(p.Registry.Host, p.Registry.CAFile); err != nil {
		t.Fatal(err)
	}
	opts.Timeout = 3 * time.Minute
	if _, err := install.Run(t.Context(), opts); err != nil {
		t.Errorf("Run() once the node knows the authority = %v\n%s", err, node.tails())
	}
}

// The demonstration carries on into a cluster: its operator runs there, its images are
// pulled by the node, and it leaves no release behind.
func TestDemo(t *testing.T) {
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	program := buildProgram(t)
	node.forgetDefinitions(t)
	demo := exec.CommandContext(t.Context(), program, "demo", "--kubeconfig", node.installerFile)
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("pgrelocate demo = %v\n%s\n%s", err, out, node.tails())
	}
	for _, want := range []string{"1 of 1 workloads ready, 20 of 20 versions can be pulled", "yes, by a node", "removed helm release pgrelocate-demo/postgres-operator"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("pgrelocate demo says\n%s\nwant %q", out, want)
		}
	}

	// Now the cluster knows the operator's kinds, as one with the real operator does.
	out, err = exec.CommandContext(t.Context(), program, "demo", "--quiet", "--kubeconfig", node.installerFile).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this cluster knows PostgresVersion.sql.tanzu.vmware.com already") {
		t.Errorf("pgrelocate demo in a cluster that has the operator = %v\n%s\nwant a refusal", err, out)
	}
}

var built = sync.OnceValues(func() (string, error) {
	return static(context.Background(), node.dir, "pgrelocate", "../../cmd/pgrelocate")
})

// buildProgram builds the real program, once.
func buildProgram(t *testing.T) string {
	t.Helper()
	file, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// forgetDefinitions removes what earlier tests have left.
func (c *cluster) forgetDefinitions(t *testing.T) {
	t.Helper()
	client, err := dynamic.NewForConfig(c.admin)
	if err != nil {
		t.Fatal(err)
	}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, name := range []string{"postgresversions.sql.tanzu.vmware.com", "postgres.sql.tanzu.vmware.com"} {
		if err := definitions.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		if err := eventually(time.Minute, name+" does not go away", func() bool {
			_, err := definitions.Get(t.Context(), name, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		}); err != nil {
			t.Fatal(err)
		}
	}
}
