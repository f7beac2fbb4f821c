package registrytest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"
)

// startTimeout is how long a server may take to listen: long, for machines that build
// something else meanwhile.
const startTimeout = 60 * time.Second

// startServer runs a server until the test ends and returns where it says it listens: what
// the pattern captures of its output. So it can be given port 0, and no other process gets in
// between.
func startServer(tb testing.TB, binary string, args, env []string, where *regexp.Regexp, accessLog io.Writer) string {
	tb.Helper()
	out := &watcher{found: make(chan string, 1), pattern: where}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	if accessLog != nil {
		cmd.Stdout = accessLog // messages go to the other one
	}
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		tb.Fatalf("starting %s: %v", binary, err)
	}
	var ended error
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended = cmd.Wait()
	}()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		if last := out.last(); tb.Failed() && len(last) > 0 {
			tb.Logf("%s complained last of:\n%s", binary, last)
		}
	})
	select {
	case address := <-out.found:
		return address
	case <-done:
		tb.Fatalf("%s ended at once: %v", binary, ended)
	case <-time.After(startTimeout):
		tb.Fatalf("%s did not listen within %v", binary, startTimeout)
	}
	return ""
}

// everyday is what a registry writes about every request, and about what is asked for and
// not there.
var everyday = regexp.MustCompile(`level=info|error authorizing context|code="(blob|manifest|name) unknown"`)

// watcher looks out for a server's address and keeps the last of its complaints.
type watcher struct {
	pattern *regexp.Regexp
	found   chan string

	mu         sync.Mutex
	line       []byte
	matched    bool
	complaints [][]byte
}

// Write never fails.
func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, p...)
	for {
		end := bytes.IndexByte(w.line, '\n')
		if end < 0 {
			return len(p), nil
		}
		w.take(w.line[:end+1])
		w.line = w.line[end+1:]
	}
}

func (w *watcher) take(line []byte) {
	if !w.matched {
		if m := w.pattern.FindSubmatch(line); m != nil {
			w.matched = true
			w.found <- string(m[1])
		}
	}
	const kept = 5
	if everyday.Match(line) {
		return
	}
	w.complaints = append(w.complaints, bytes.Clone(line))
	if len(w.complaints) > kept {
		w.complaints = w.complaints[1:]
	}
}

func (w *watcher) last() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Join(w.complaints, nil)
}
