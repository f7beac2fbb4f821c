package node_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// gate is a registry that takes nothing into one of its repositories while it is closed.
type gate struct {
	repository string
	open       atomic.Bool
}

func (g *gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || g.open.Load() || !strings.HasPrefix(r.URL.Path, "/v2/"+g.repository+"/") {
			next.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED","message":"the gate is closed"}]}`)
	})
}

// words is what a program that runs has said so far.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// newFailing is a job whose target takes no operator before the gate is open.
func newFailing(t *testing.T, namespace string, workers int) (*indexedJob, *gate) {
	t.Helper()
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	vendor := vendorOf(t, 2_000_000)
	j := &indexedJob{workers: workers, namespace: namespace, image: serveProgram(t), counted: &served{bytes: map[string]int64{}}}
	j.private = registrytest.InProcess(t, registrytest.Options{Accounts: []registrytest.Account{puller}})
	g := &gate{repository: "databases/postgres-operator"}
	j.from, j.to = j.counted.forPods(t, vendor.Host), forPods(t, j.private.Host, g.Wrap)
	j.plan(t, vendor.Host)
	j.counted.reset()
	j.furnish(t)
	return j, g
}

// ends waits for a watch, wants its exit code, and reads its report.
func (j *indexedJob) ends(t *testing.T, want int, watch *exec.Cmd) (report jobReport) {
	t.Helper()
	_ = watch.Wait()
	if got := watch.ProcessState.ExitCode(); got != want {
		t.Errorf("job watch = exit code %d, want %d\n%s\n%s", got, want, watch.Stderr, podLog(t, j.namespace))
	}
	if err := json.Unmarshal(watch.Stdout.(*bytes.Buffer).Bytes(), &report); err != nil {
		t.Fatalf("job watch: %v\n%s", err, watch.Stdout)
	}
	return report
}

// start starts to watch, and hears what the watch says.
func (j *indexedJob) start(t *testing.T, name string) (watch *exec.Cmd, said *words) {
	t.Helper()
	watch, said = j.watch(t, name, "-o", "json"), &words{}
	watch.Stdout, watch.Stderr = &bytes.Buffer{}, said
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	return watch, said
}

// An index that fails is tried again by Kubernetes, while the others go on. No tag is there before
// all are done.
func TestFailingIndex(t *testing.T) {
	j, gate := newFailing(t, "failing", 4)
	j.apply(t, "mirror")
	watch, said := j.start(t, "mirror")
	err := eventually(3*time.Minute, "it is not so that one shard has failed and three have not", func() bool {
		return strings.Contains(said.String(), " failed: ") && strings.Count(said.String(), " succeeded\n") == 3
	})
	if err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, said, podLog(t, j.namespace), node.tails())
	}
	if tags := j.private.Contents(t); len(tags) != 0 {
		t.Errorf("while an index fails the target has the tags %v, want none", tags)
	}
	gate.open.Store(true)
	report := j.ends(t, 0, watch)
	t.Logf("job watch said:\n%s", said)
	if !strings.Contains(said.String(), "the gate is closed") {
		t.Errorf("job watch does not say why the index failed:\n%s", said)
	}
	if strings.Contains(said.String(), "not tried again") {
		t.Errorf("job watch gave up an index that is tried again:\n%s", said)
	}
	again := 0
	for _, s := range report.Shards {
		if s.Tries > 1 {
			again++
			if s.Error != "" {
				t.Errorf("shard %d has succeeded, and still the error %q", s.Index, s.Error)
			}
		}
	}
	if again != 1 {
		t.Errorf("%d shards were tried again, want 1: %+v", again, report.Shards)
	}
	j.wantWhole(t, report)
	if tags := j.private.Contents(t); len(tags) != 23 {
		t.Errorf("the target has %d tags in the end, want 23", len(tags))
	}
}

// An index that fails for good fails the job, which says so; nothing is tagged. Another job with the same
// plan does the rest.
func TestIndexThatFailsForGood(t *testing.T) {
	j, gate := newFailing(t, "failed", 2)
	j.apply(t, "mirror", "--retries=0")
	watch, said := j.start(t, "mirror")
	report := j.ends(t, 3, watch)
	t.Logf("job watch said:\n%s", said)
	if report.State != "failed" || !strings.Contains(report.Reason, "FailedIndexes") || report.Tagged {
		t.Errorf("job watch = %+v, want that it has failed, with nothing tagged", report)
	}
	failed := 0
	for _, s := range report.Shards {
		if s.State == "failed" {
			failed++
			if s.Tries != 1 || s.Error == "" || s.ExitCode == nil || *s.ExitCode == 0 {
				t.Errorf("the failed shard has left %+v", s)
			}
		}
	}
	for _, want := range []string{"; it is not tried again\n", "error: 1 of 2 shards failed"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("job watch says\n%s\nwant %q", said, want)
		}
	}
	if tags := j.private.Contents(t); failed != 1 || len(tags) != 0 {
		t.Errorf("%d shards failed, and the target has the tags %v, want 1 and none", failed, tags)
	}

	gate.open.Store(true)
	j.workers = 1
	j.apply(t, "rest")
	watch, said = j.start(t, "rest")
	if rest := j.ends(t, 0, watch); !rest.Tagged || rest.BytesFetched == 0 || rest.BytesFetched >= report.BytesFetched {
		t.Errorf("the job that does the rest = %+v, want it tagged, and only the rest fetched\n%s", rest, said)
	}
	if tags := j.private.Contents(t); len(tags) != 23 {
		t.Errorf("the target has %d tags in the end, want 23", len(tags))
	}
}

// halfway gives half of the first blob that is larger than a size, and the rest once it is released.
type halfway struct {
	size    int
	once    sync.Once
	release chan struct{}
}

func (h *halfway) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&halfWriter{ResponseWriter: w, halfway: h, held: !strings.Contains(r.URL.Path, "/blobs/")}, r)
	})
}

type halfWriter struct {
	http.ResponseWriter
	*halfway
	sent int
	held bool // there is nothing to hold back, or no more
}

func (w *halfWriter) Write(p []byte) (int, error) {
	if w.sent += len(p); w.sent >= w.size && !w.held {
		w.held = true
		w.once.Do(func() {
			_ = http.NewResponseController(w.ResponseWriter).Flush()
			<-w.release
		})
	}
	return w.ResponseWriter.Write(p)
}

// While a pod runs its bytes are seen: the watch reads them from its log.
func TestWatchSeesRunningPods(t *testing.T) {
	if node == nil {
		t.Skip("PGRELOCATE_TEST_NODE is not set: make test-node")
	}
	vendor := vendorOf(t, 6_000_000)
	j := &indexedJob{workers: 1, namespace: "watched", image: serveProgram(t), counted: &served{bytes: map[string]int64{}}}
	j.private = registrytest.InProcess(t, registrytest.Options{Accounts: []registrytest.Account{puller}})
	held := &halfway{size: 100_000, release: make(chan struct{})}
	j.from, j.to = j.counted.forPods(t, vendor.Host, held.Wrap), forPods(t, j.private.Host)
	j.plan(t, vendor.Host)
	j.furnish(t)
	j.apply(t, "mirror")

	watch := j.watch(t, "mirror", "--events=-")
	events, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said words
	watch.Stderr = &said
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	patience := time.AfterFunc(2*time.Minute, func() { _ = watch.Process.Kill() })
	defer patience.Stop()
	release := sync.OnceFunc(func() { close(held.release) })
	defer release()
	seen := false
	for lines := bufio.NewScanner(events); lines.Scan(); {
		var event struct {
			Event                 string
			BytesDone, BytesTotal int64
			ExitCode              int
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("job watch --events - writes %q", lines.Text())
		}
		if event.Event == "progress" && event.BytesDone > 0 && !seen {
			seen = true
			t.Logf("%d of %d bytes, while the only pod is held", event.BytesDone, event.BytesTotal)
			if event.BytesDone >= event.BytesTotal {
				t.Errorf("%d of %d bytes are done while a blob is held back", event.BytesDone, event.BytesTotal)
			}
			release()
		}
	}
	if err := watch.Wait(); err != nil || !seen {
		t.Errorf("job watch = %v, and saw bytes of the running pod: %t\n%s\n%s", err, seen, &said, podLog(t, j.namespace))
	}
}
