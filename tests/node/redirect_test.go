package node_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

const vendorHost = "tanzu-sql-postgres.packages.broadcom.com"

// redirected is a private registry to which the node is led from the vendor's name.
type redirected struct {
	*lab.Relocated
	client *kubernetes.Clientset
}

// run runs the program with a login for the private registry.
func (r *redirected) run(t *testing.T, args ...string) {
	t.Helper()
	built, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), built, append(args, "--registry", r.Registry.Host, "--ca-file", r.Registry.CAFile)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "PGRELOCATE_PULL_USERNAME="+puller.Username, "PGRELOCATE_PULL_PASSWORD="+puller.Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pgrelocate %s = %v\n%s", args, err, out)
	}
}

// A pod that names the vendor's image runs from the private registry, with what `pgrelocate nodes`
// and `pgrelocate secret --vendor-hosts` make. The vendor is not asked: nobody answers by its name
// here, and containerd has no address of it. With a secret that is keyed by the private registry
// alone nothing is pulled.
func TestNodeThatRedirects(t *testing.T) {
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	t.Cleanup(program.Remove)
	few, err := postgres.ParseExpression("17.5")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(node.admin)
	if err != nil {
		t.Fatal(err)
	}
	r := &redirected{client: client}
	r.Relocated = lab.Relocate(t, registrytest.Debian(t, registrytest.Options{TLS: true, Accounts: []registrytest.Account{puller}}),
		standin.Options{Versions: few, Bytes: 200_000, OperatorBinary: node.wait}, nil)

	files := t.TempDir()
	r.run(t, "nodes", "--for", "containerd", "--into", files)
	to := filepath.Join(node.dir, "certs.d", vendorHost)
	t.Cleanup(func() { _ = os.RemoveAll(to) })
	if err := os.CopyFS(to, os.DirFS(filepath.Join(files, "etc", "containerd", "certs.d", vendorHost))); err != nil {
		t.Fatal(err)
	}

	for namespace, flags := range map[string][]string{"redirected": {"--vendor-hosts"}, "not-redirected": nil} {
		if err := lab.ApplyText(t.Context(), node.admin, fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", namespace), nil); err != nil {
			t.Fatal(err)
		}
		r.run(t, append([]string{"secret", "--namespace", namespace, "--kubeconfig", node.adminFile}, flags...)...)
	}
	r.wantRefused(t, "not-redirected")
	r.wantRunning(t, "redirected")
}

// pod starts a pod that names the vendor's image, and returns its status once that is as wanted.
func (r *redirected) pod(t *testing.T, namespace string, wanted func(corev1.PodStatus) bool) corev1.PodStatus {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "vendors", Namespace: namespace},
		Spec: corev1.PodSpec{
			ImagePullSecrets: []corev1.LocalObjectReference{{Name: lab.PullSecret}},
			Containers: []corev1.Container{{
				Name: "operator", Image: vendorHost + "/postgres-operator:v4.3.1", ImagePullPolicy: corev1.PullAlways,
			}},
		},
	}
	if err := eventually(30*time.Second, "the pod cannot be made", func() bool { // its service account comes first
		_, err := r.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
		return err == nil
	}); err != nil {
		t.Fatal(err)
	}
	var status corev1.PodStatus
	if err := eventually(time.Minute, "the pod is not as it should be", func() bool {
		found, err := r.client.CoreV1().Pods(namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		status = found.Status
		return wanted(status)
	}); err != nil {
		t.Fatalf("%v: %+v\n%s", err, status.ContainerStatuses, node.tails())
	}
	return status
}

func (r *redirected) wantRunning(t *testing.T, namespace string) {
	t.Helper()
	status := r.pod(t, namespace, func(s corev1.PodStatus) bool { return s.Phase == corev1.PodRunning })
	digest := r.Registry.Digest(t, "tanzu-sql-postgres/postgres-operator:v4.3.1").String()
	if id := status.ContainerStatuses[0].ImageID; id != vendorHost+"/postgres-operator@"+digest {
		t.Errorf("the pod runs %s, want what the private registry holds, %s, by the vendor's name", id, digest)
	}
}

// wantRefused wants the private registry's refusal, and no word of the vendor's address.
func (r *redirected) wantRefused(t *testing.T, namespace string) {
	t.Helper()
	said := ""
	r.pod(t, namespace, func(s corev1.PodStatus) bool {
		if len(s.ContainerStatuses) == 0 || s.ContainerStatuses[0].State.Waiting == nil {
			return false
		}
		waiting := s.ContainerStatuses[0].State.Waiting
		if waiting.Reason == "ErrImagePull" {
			said = waiting.Message
		}
		return said != ""
	})
	if !strings.Contains(said, "401") && !strings.Contains(said, "authorization failed") {
		t.Errorf("without a secret for the vendor's host the node says %q, want that it is refused", said)
	}
	if strings.Contains(said, "https://"+vendorHost) {
		t.Errorf("the node has asked the vendor: %q", said)
	}
}
