package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// The API server takes the Deployment of docs/pull-secrets.md with all that it names, its pod is what the
// restricted Pod Security level wants, and its account may do what the program does there.
func TestDocumentedDeployment(t *testing.T) {
	s := newSite(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "pull-secrets.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	manifests, _, ok := strings.Cut(rest, "\n```")
	if !ok || !strings.Contains(manifests, "kind: Deployment") {
		t.Fatal("docs/pull-secrets.md has no Deployment")
	}
	namespace := s.namespace + "-documented"
	manifests = strings.ReplaceAll(strings.ReplaceAll(manifests, "postgres-system", namespace), "pgrelocate-secrets", "secrets-"+namespace)
	space := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + ", labels: {pod-security.kubernetes.io/enforce: restricted, databases: postgres}}\n---\n"
	if err := lab.ApplyText(t.Context(), s.admin, []byte(space+manifests), nil); err != nil {
		t.Fatal(err)
	}
	deployment, err := s.client(t).AppsV1().Deployments(namespace).Get(t.Context(), "secrets-"+namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "documented"}, Spec: deployment.Spec.Template.Spec}
	pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	if _, err := s.client(t).CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Errorf("the pod of the documented Deployment: %v", err)
	}

	kubeconfig, robot := filepath.Join(t.TempDir(), "account"), filepath.Join(t.TempDir(), "login")
	if err := lab.WriteKubeconfig(t.Context(), s.admin, kubeconfig, namespace, "secrets-"+namespace); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(robot, []byte(puller.Username+":"+puller.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := deployment.Spec.Template.Spec.Containers[0].Args
	for i, arg := range args {
		switch arg {
		case "registry.example.com":
			args[i] = s.Registry.Host
		case "/run/secrets/robot/login":
			args[i] = robot
		}
	}
	for range 2 { // the second time the secrets are there
		ends(t, 0, s.bare(t, append(args, "--once", "--kubeconfig", kubeconfig)...))
	}
	if _, err := s.client(t).CoreV1().Secrets(namespace).Get(t.Context(), lab.PullSecret, metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}
