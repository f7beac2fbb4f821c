package node_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// An Indexed Job of 1, 2 and 4 pods mirrors a release on a real node: the target is the same each time, each
// shard leaves its status, and what the source was asked for is counted.
func TestIndexedJob(t *testing.T) {
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	vendor := vendorOf(t, 6_000_000)
	image := serveProgram(t)
	var first map[string]string
	for _, workers := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			j := &indexedJob{workers: workers, namespace: fmt.Sprintf("shards-%d", workers), image: image, counted: &served{bytes: map[string]int64{}}}
			j.private = registrytest.InProcess(t, registrytest.Options{Accounts: []registrytest.Account{puller}})
			j.from, j.to = j.counted.forPods(t, vendor.Host), forPods(t, j.private.Host)
			j.plan(t, vendor.Host)
			j.counted.reset()
			report := j.run(t)
			j.wantWhole(t, report)
			contents := j.private.Contents(t)
			if first == nil {
				first = contents
			}
			if diff := cmp.Diff(first, contents); diff != "" || len(contents) == 0 {
				t.Errorf("the target after %d workers is other than after 1 (-1 +%d):\n%s", workers, workers, diff)
			}
		})
	}
}

type indexedJob struct {
	workers                    int
	namespace, image, from, to string
	private                    *registrytest.Registry
	counted                    *served
	file                       string
}

// command is a call of the program with the login for the private registry.
func (j *indexedJob) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), buildProgram(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "PGRELOCATE_REGISTRY_USERNAME="+puller.Username, "PGRELOCATE_REGISTRY_PASSWORD="+puller.Password)
	return cmd
}

func (j *indexedJob) program(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := j.command(t, args...)
	var messages strings.Builder
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pgrelocate %s: %v\n%s\n%s\n%s\n%s", strings.Join(args, " "), err, messages.String(), out, podLog(t, j.namespace), node.tails())
	}
	return out
}

// plan makes the plan by the addresses that this machine has for the registries, and puts in those that
// pods have: these are there only while there is a pod.
func (j *indexedJob) plan(t *testing.T, vendor string) {
	t.Helper()
	j.file = filepath.Join(t.TempDir(), "plan.json")
	j.program(t, "plan", "-q", "--source="+vendor, "--registry="+j.private.Host+"/databases", "--plan-out="+j.file)
	text, err := os.ReadFile(j.file)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.NewReplacer(vendor, j.from, j.private.Host, j.to).Replace(string(text)))
	if err := os.WriteFile(j.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// jobReport is what "job watch" says.
type jobReport struct {
	State, Reason string
	Tagged        bool
	BytesFetched  int64
	Shards        []struct {
		Index, Artifacts, Tries int
		State, Error            string
		BytesFetched            int64
		Seconds                 float64
		ExitCode                *int
	}
}

// furnish makes the namespace, and the login in a secret.
func (j *indexedJob) furnish(t *testing.T) {
	t.Helper()
	client, err := kubernetes.NewForConfig(node.admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), j.namespace, metav1.DeleteOptions{})
	})
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: j.namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), space, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	login := base64.StdEncoding.EncodeToString([]byte(puller.Username + ":" + puller.Password))
	_, err = client.CoreV1().Secrets(j.namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "pgrelocate-login"}, Type: corev1.SecretTypeDockerConfigJson,
		StringData: map[string]string{".dockerconfigjson": fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, j.to, login)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// apply puts the job into the cluster.
func (j *indexedJob) apply(t *testing.T, name string, more ...string) {
	t.Helper()
	j.program(t, append([]string{"job", "mirror", "--registry=" + j.to + "/databases", "--source-plain-http", "--plain-http", "--plan=" + j.file,
		fmt.Sprintf("--workers=%d", j.workers), "--name=" + name, "-n", j.namespace, "--image=" + j.image, "--kubeconfig=" + node.adminFile, "--apply"}, more...)...)
}

// watch is the command that watches the job.
func (j *indexedJob) watch(t *testing.T, name string, more ...string) *exec.Cmd {
	t.Helper()
	return j.command(t, append([]string{"job", "watch", name, "-n", j.namespace, "--kubeconfig=" + node.adminFile}, more...)...)
}

// run applies the job, with the login in a secret, and watches it.
func (j *indexedJob) run(t *testing.T) (report jobReport) {
	t.Helper()
	j.furnish(t)
	began := time.Now()
	j.apply(t, "mirror")
	out := j.program(t, "job", "watch", "mirror", "-n", j.namespace, "--kubeconfig="+node.adminFile, "-o", "json")
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d workers: %s after %s, %d bytes fetched", j.workers, report.State, time.Since(began).Round(100*time.Millisecond), report.BytesFetched)
	return report
}

// wantWhole holds the shards' accounts against what the source has counted.
func (j *indexedJob) wantWhole(t *testing.T, report jobReport) {
	t.Helper()
	if report.State != "succeeded" || !report.Tagged || len(report.Shards) != j.workers {
		t.Errorf("job watch = %+v, want %d shards, succeeded and tagged", report, j.workers)
	}
	artifacts := 0
	for _, s := range report.Shards {
		artifacts += s.Artifacts
		t.Logf("shard %d: %d artifacts, %d bytes fetched, %.1fs, %d tries", s.Index, s.Artifacts, s.BytesFetched, s.Seconds, s.Tries)
		if s.ExitCode == nil || *s.ExitCode != 0 {
			t.Errorf("shard %d left %+v, want the exit code 0", s.Index, s)
		}
	}
	if artifacts != 23 {
		t.Errorf("the shards did %d artifacts, want 23", artifacts)
	}
	all, once, again := j.counted.sums()
	t.Logf("the source gave %d bytes of blobs, %d of them once each: %.3f x; again: %v", all, once, float64(all)/float64(once), again)
	if report.BytesFetched != all {
		t.Errorf("the shards say they fetched %d bytes, and the source gave %d", report.BytesFetched, all)
	}
	if all != once {
		t.Errorf("blobs were fetched more than once: %v", again)
	}
}

// served counts the bytes of blobs that a registry gives.
type served struct {
	mu    sync.Mutex
	bytes map[string]int64
	whole map[string]int64
}

func (s *served) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes, s.whole = map[string]int64{}, map[string]int64{}
}

// sums are the bytes that were given, those of each blob once, and how often others than once were.
func (s *served) sums() (all, once int64, again []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for blob, n := range s.bytes {
		all += n
		once += s.whole[blob]
		if n != s.whole[blob] {
			again = append(again, fmt.Sprintf("%s: %d of %d", blob, n, s.whole[blob]))
		}
	}
	return all, once, again
}

// forPods lets pods reach a registry, whose blobs are counted on the way.
func (s *served) forPods(t *testing.T, host string, through ...registrytest.Middleware) string {
	t.Helper()
	s.reset()
	return servePods(t, &httputil.ReverseProxy{Rewrite: towards(host), ModifyResponse: func(r *http.Response) error {
		_, blob, ok := strings.Cut(r.Request.URL.Path, "/blobs/sha256:")
		if ok && r.Request.Method == http.MethodGet && r.StatusCode < 300 {
			size := r.ContentLength
			if r.StatusCode == http.StatusPartialContent {
				_, total, _ := strings.Cut(r.Header.Get("Content-Range"), "/")
				_, _ = fmt.Sscan(total, &size)
			}
			s.mu.Lock()
			s.whole[blob] = size
			s.mu.Unlock()
			r.Body = &countedBody{ReadCloser: r.Body, served: s, blob: blob}
		}
		return nil
	}}, through...)
}

type countedBody struct {
	io.ReadCloser
	served *served
	blob   string
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.served.mu.Lock()
	b.served.bytes[b.blob] += int64(n)
	b.served.mu.Unlock()
	return n, err
}
