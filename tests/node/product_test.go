package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

const (
	herd          = "elephants-system"
	certManagers  = "cert-manager"
	withMirroring = "--with-prerequisites=cert-manager=" + lab.RealCertManager
)

// parade is the product elephants, relocated by the program from its vendor to a private registry
// with basic authentication, beside cert-manager, which it requires.
type parade struct {
	lab.Elephants
	registry   *registrytest.Registry
	catalogues []string
	client     *kubernetes.Clientset
	dynamic    dynamic.Interface
}

func newParade(t *testing.T) *parade {
	t.Helper()
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	p := &parade{
		Elephants: lab.Elephants{
			Vendor: registrytest.InProcess(t, registrytest.Options{}), Group: "elephants.example.com", Namespace: herd,
			Requires: certManagers, Program: node.wait,
		},
		registry: registrytest.Debian(t, registrytest.Options{Accounts: []registrytest.Account{puller}}),
	}
	p.Publish(t)
	lab.PublishCertManager(t, p.Vendor, node.standIn)
	elsewhere := filepath.Join(t.TempDir(), "cert-manager.yaml")
	if err := os.WriteFile(elsewhere, []byte("product: cert-manager\nregistries: {jetstack: "+p.Vendor.Host+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.catalogues = []string{"--catalogue", p.Catalogue(t), "--catalogue", elsewhere}
	var err error
	if p.client, err = kubernetes.NewForConfig(node.admin); err != nil {
		t.Fatal(err)
	}
	if p.dynamic, err = dynamic.NewForConfig(node.admin); err != nil {
		t.Fatal(err)
	}
	if err := node.certManager.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.leave(t) })
	return p
}

// leave takes away what the test may have left, and gives the node its own cert-manager again.
func (p *parade) leave(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, product := range []string{"elephants", certManagers} { // they may never have come that far
		_ = exec.CommandContext(ctx, buildProgram(t), append([]string{"uninstall", "--product", product, "--force", "--kubeconfig", node.adminFile}, p.catalogues...)...).Run()
	}
	for _, plural := range []string{"clusters", "clusterimagecatalogs", "imagecatalogs"} {
		err := p.dynamic.Resource(crds).Delete(ctx, plural+"."+p.Group, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
	if err := errors.Join(node.certManager.Remove(ctx), node.certManager.Install(ctx)); err != nil {
		t.Error(err)
	}
}

// runs runs the program and wants an exit code, and no password in what it says.
func (p *parade) runs(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	switch args[0] {
	case "copy":
		args = append(args, "--registry", p.registry.Host)
	case "install":
		args = append(args, "--registry", p.registry.Host, "--kubeconfig", node.adminFile, "--timeout", "2m")
	default:
		args = append(args, "--kubeconfig", node.adminFile)
	}
	args = append(append(args, "--product", "elephants"), p.catalogues...)
	cmd := exec.CommandContext(t.Context(), buildProgram(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "PGRELOCATE_REGISTRY_USERNAME="+puller.Username, "PGRELOCATE_REGISTRY_PASSWORD="+puller.Password)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begin := time.Now()
	_ = cmd.Run()
	t.Logf("pgrelocate %s took %v", strings.Join(args[:1], " "), time.Since(begin).Round(time.Millisecond))
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("pgrelocate %s = exit code %d, want %d\n%s\n%s\n%s", strings.Join(args, " "), got, want, out.String(), errs.String(), node.tails())
	}
	if strings.Contains(out.String()+errs.String(), puller.Password) {
		t.Errorf("pgrelocate %s shows a password", args[0])
	}
	return out.String(), errs.String()
}

// certifies plays cert-manager's injector until the function that it returns is called, and says
// whether it ever had to: the webhook's own pod says what certifies it, and the API server is told.
func (p *parade) certifies(t *testing.T) (stop func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, injected := make(chan struct{}), false
	go func() {
		defer close(done)
		for !injected && ctx.Err() == nil {
			injected = p.inject(ctx) == nil
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return func() bool { cancel(); <-done; return injected }
}

// inject does what certifies says once; it fails while the webhook's pod does not run.
func (p *parade) inject(ctx context.Context) error {
	pods, err := p.client.CoreV1().Pods(certManagers).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=webhook"})
	if err != nil || len(pods.Items) != 1 || pods.Items[0].Status.PodIP == "" {
		return fmt.Errorf("%d webhooks' pods: %w", len(pods.Items), err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+pods.Items[0].Status.PodIP+":6080/authority", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	authority, err := io.ReadAll(response.Body)
	if err != nil || len(authority) == 0 {
		return fmt.Errorf("the webhook says nothing of its certificate: %w", err)
	}
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": authority}})
	if err != nil {
		return err
	}
	hooks := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	_, err = p.dynamic.Resource(hooks).Patch(ctx, "cert-manager-webhook", types.JSONPatchType, patch, metav1.PatchOptions{})
	return err
}

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// wantRunning wants every pod of a namespace to run an image of the private registry by the
// digest that it has there, and this one among them.
func (p *parade) wantRunning(t *testing.T, namespace, repository, tag string) {
	t.Helper()
	want := p.registry.Host + "/" + repository + "@" + p.registry.Digest(t, repository+":"+tag).String()
	if err := eventually(time.Minute, "no pod in "+namespace+" runs "+want, func() bool {
		pods, err := p.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		found := false
		for _, pod := range pods.Items {
			for _, status := range pod.Status.ContainerStatuses {
				if status.ImageID != "" && !strings.HasPrefix(status.ImageID, p.registry.Host+"/") {
					t.Errorf("pod %s runs %s, which is not in the private registry", pod.Name, status.ImageID)
				}
				found = found || pod.Status.Phase == corev1.PodRunning && status.ImageID == want
			}
		}
		return err == nil && found
	}); err != nil {
		t.Fatalf("%v\n%s", err, node.tails())
	}
}

// wantPulled wants verify to have had each of these versions pulled by the node.
func (p *parade) wantPulled(t *testing.T, versions int) {
	t.Helper()
	out, _ := p.runs(t, 0, "verify", "--pull", "-o", "json")
	var check struct {
		OK       bool
		Versions []struct {
			Name, Image string
			Pulls       bool
			Node        *bool
		}
	}
	if err := json.Unmarshal([]byte(out), &check); err != nil || !check.OK || len(check.Versions) != versions {
		t.Fatalf("verify --pull = %s, %v, want %d versions", out, err, versions)
	}
	for _, v := range check.Versions {
		if !v.Pulls || v.Node == nil || !*v.Node {
			t.Errorf("verify --pull: the node did not pull %+v", v)
		}
	}
}

// database makes a database, and the pod that its operator would make for it.
func (p *parade) database(t *testing.T, name, image string) {
	t.Helper()
	_, err := p.dynamic.Resource(p.databases()).Namespace(herd).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": p.Group + "/v1", "kind": "Cluster", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"imageName": image},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.client.CoreV1().Pods(herd).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-1"},
		Spec: corev1.PodSpec{
			ImagePullSecrets: []corev1.LocalObjectReference{{Name: lab.PullSecret}},
			Containers:       []corev1.Container{{Name: "postgres", Image: image}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *parade) databases() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: p.Group, Version: "v1", Resource: "clusters"}
}

// A product that is not tanzu goes its whole way: relocated with cert-manager, which it requires,
// installed from the private registry into a cluster that has neither, verified by pulling,
// upgraded while a database runs, and uninstalled beneath it.
func TestAnotherProduct(t *testing.T) {
	p := newParade(t)
	p.runs(t, 0, "copy", "--release", "1.0.0", withMirroring)
	stop := p.certifies(t)
	p.runs(t, 0, "install", "--release", "1.0.0", withMirroring)
	if !stop() {
		t.Error("the webhook of cert-manager was ready before the API server could trust it")
	}
	p.wantRunning(t, certManagers, "cert-manager/cert-manager-webhook", lab.RealCertManager)
	p.wantRunning(t, herd, "elephants/operator", "1.0.0")
	p.wantPulled(t, 2)

	p.database(t, "payroll", p.registry.Host+"/elephants/postgresql:17.6-standard-trixie")
	p.wantRunning(t, herd, "elephants/postgresql", "17.6-standard-trixie")

	// The second release has one version more, and needs nothing that is not there.
	p.runs(t, 0, "copy", "--release", "2.0.0")
	_, messages := p.runs(t, 0, "install", "--release", "2.0.0", withMirroring)
	if !strings.Contains(messages, "cert-manager is in the cluster already") {
		t.Errorf("install says\n%s\nwant that cert-manager is there", messages)
	}
	p.wantRunning(t, herd, "elephants/operator", "2.0.0")
	p.wantPulled(t, 3)

	_, messages = p.runs(t, 1, "uninstall")
	if !strings.Contains(messages, herd+"/payroll") {
		t.Errorf("uninstall says\n%s\nwant the database", messages)
	}
	p.wantRunning(t, herd, "elephants/operator", "2.0.0")
	p.runs(t, 0, "uninstall", "--force")
	p.wantLeft(t)
}

// wantLeft wants the operator gone, the database running, and cert-manager as it was.
func (p *parade) wantLeft(t *testing.T) {
	t.Helper()
	if _, err := p.dynamic.Resource(p.databases()).Namespace(herd).Get(t.Context(), "payroll", metav1.GetOptions{}); err != nil {
		t.Errorf("the database after uninstall --force: %v", err)
	}
	if err := eventually(time.Minute, "the operator does not go away", func() bool {
		pods, err := p.client.CoreV1().Pods(herd).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 1
	}); err != nil {
		t.Error(err)
	}
	pod, err := p.client.CoreV1().Pods(herd).Get(t.Context(), "payroll-1", metav1.GetOptions{})
	if err != nil || pod.Status.Phase != corev1.PodRunning || pod.Status.ContainerStatuses[0].RestartCount > 0 {
		t.Errorf("the database's pod after uninstall --force is %+v, %v, want it running as before", pod.Status, err)
	}
	p.wantRunning(t, certManagers, "cert-manager/cert-manager-webhook", lab.RealCertManager)
}
