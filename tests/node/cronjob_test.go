package node_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// The example's CronJob copies a release, on a real node, as it stands in the file: not as root, on a
// read-only root filesystem, with its login from a secret. Only the settings, which name the
// registries, and the image are the test's. Its log is its events.
func TestExampleCronJob(t *testing.T) {
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	vendor := vendorOf(t, 50_000)
	private := registrytest.InProcess(t, registrytest.Options{Accounts: []registrytest.Account{puller}})
	from, to := forPods(t, vendor.Host), forPods(t, private.Host)

	job := applyCronJob(t, fmt.Sprintf("source: %s\nregistry: %s/databases\nsource-plain-http: true\nplain-http: true\nversions: 17.5,16.9\n", from, to), to)
	job.Spec.Template.Spec.Containers[0].Image = serveProgram(t)
	client, err := kubernetes.NewForConfig(node.admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.BatchV1().Jobs(job.Namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), job.Namespace, metav1.DeleteOptions{})
	})

	done := eventually(3*time.Minute, "the job does not succeed", func() bool {
		found, err := client.BatchV1().Jobs(job.Namespace).Get(t.Context(), job.Name, metav1.GetOptions{})
		return err == nil && found.Status.Succeeded == 1
	})
	log := podLog(t, job.Namespace)
	if done != nil {
		pods, _ := client.CoreV1().Pods(job.Namespace).List(t.Context(), metav1.ListOptions{})
		for _, pod := range pods.Items {
			t.Logf("%s: %s %+v", pod.Name, pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		t.Fatalf("%v\n%s\n%s", done, log, node.tails())
	}
	for _, want := range []string{`"event":"started"`, `"event":"finished"`, `"exitCode":0`, `"failed":0`} {
		if !strings.Contains(log, want) {
			t.Errorf("the pod's log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, puller.Password) {
		t.Error("the pod's log has a password")
	}
	want := vendor.Digest(t, "postgres-instance:v17.5-v4.3.1")
	if got := private.Digest(t, "databases/postgres-instance:v17.5-v4.3.1"); got != want {
		t.Errorf("the private registry has %s, want %s", got, want)
	}
}

// vendorOf is a registry with a release of so many bytes.
func vendorOf(t *testing.T, bytes int64) *registrytest.Registry {
	t.Helper()
	vendor := registrytest.InProcess(t, registrytest.Options{})
	made, err := standin.New(standin.Options{Release: "v4.3.1", Bytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Push(t.Context(), ref.Folder{Host: vendor.Host}); err != nil {
		t.Fatal(err)
	}
	return vendor
}

// applyCronJob applies the example with settings, and a login to a registry, and returns a job as the
// schedule would make it.
func applyCronJob(t *testing.T, settings, registry string) *batchv1.Job {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "cronjob.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(text), "\n---\n")
	var cron batchv1.CronJob
	if err := yaml.UnmarshalStrict([]byte(documents[len(documents)-1]), &cron); err != nil {
		t.Fatal(err)
	}
	err = lab.ApplyText(t.Context(), node.admin, text, func(object *unstructured.Unstructured) bool {
		if object.GetKind() == "ConfigMap" {
			_ = unstructured.SetNestedField(object.Object, settings, "data", "pgrelocate.yaml")
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := strings.Cut(registry, "/")
	login := base64.StdEncoding.EncodeToString([]byte(puller.Username + ":" + puller.Password))
	client, err := kubernetes.NewForConfig(node.admin)
	if err == nil {
		_, err = client.CoreV1().Secrets(cron.Namespace).Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "pgrelocate-login"},
			StringData: map[string]string{"config.json": fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, login)},
		}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "once", Namespace: cron.Namespace}, Spec: cron.Spec.JobTemplate.Spec}
}

// forPods lets the node's pods reach a registry that listens on the loopback address, through a handler
// where there is one.
func forPods(t *testing.T, host string, through ...registrytest.Middleware) string {
	t.Helper()
	return servePods(t, &httputil.ReverseProxy{Rewrite: towards(host)}, through...)
}

// towards sends requests to a registry as they came.
func towards(host string) func(*httputil.ProxyRequest) {
	return func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: host})
		r.Out.Host = r.In.Host
	}
}

// servePods serves where the node's pods reach it, and returns its address for them.
func servePods(t *testing.T, handler http.Handler, through ...registrytest.Middleware) string {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	for _, wrap := range through {
		handler = wrap(handler)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return fmt.Sprintf("%s:%d", gateway, listener.Addr().(*net.TCPAddr).Port)
}

// serveProgram serves an image of the program alone.
func serveProgram(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pgrelocate")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../../cmd/pgrelocate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "pgrelocate", Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", "amd64", []string{"/pgrelocate"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: ggcr.New(ggcr.Logger(discard)), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	reference, err := name.NewTag(listener.Addr().String() + "/tools/pgrelocate:test")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, image); err != nil {
		t.Fatal(err)
	}
	return reference.String()
}

// podLog is what the pods of a namespace have written, from the node's own files.
func podLog(t *testing.T, namespace string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(node.dir, "pod-logs", namespace+"_*", "*", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
