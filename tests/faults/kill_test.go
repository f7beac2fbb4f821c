package faults_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// copyVariable makes this test's program copy and do nothing else: the process that is killed.
const copyVariable = "PGRELOCATE_TEST_COPY"

// killedRun is what the process that is killed copies.
type killedRun struct {
	Source, Target string
	Names          [][2]string
	// Journal is the folder where open uploads are noted; empty notes none.
	Journal string
}

// TestKilledProcess is no test, but the process that TestKill kills.
func TestKilledProcess(t *testing.T) {
	spec := os.Getenv(copyVariable)
	if spec == "" {
		t.Skip("is run by TestKill")
	}
	var k killedRun
	if err := json.Unmarshal([]byte(spec), &k); err != nil {
		t.Fatal(err)
	}
	open := func(host string, side registry.Side) *remote.Client {
		client, err := remote.New(host, remote.Options{Side: side, Push: true, CertsDirs: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	source, target := open(k.Source, registry.SideSource), open(k.Target, registry.SideTarget)
	if k.Journal != "" {
		target.KeepUploads(journalIn(t, k.Journal))
	}
	ends := registry.Endpoints{
		Source: func(string) (registry.Source, error) { return source, nil },
		Target: target,
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	plan, err := plan.New(ctx, ends, artifactsBetween(k.Source, k.Target, k.list()), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := transfer.Copy(ctx, ends, plan, transfer.Options{})
	if err != nil || report.Failed > 0 {
		t.Fatalf("Copy = %+v, %v, want no failure", report, err)
	}
}

func (k killedRun) list() []name {
	var names []name
	for _, n := range k.Names {
		names = append(names, name{n[0], n[1]})
	}
	return names
}

// Whenever a copy is killed, every tag at the target can be pulled, and the next run
// brings the rest.
func TestKill(t *testing.T) {
	t.Parallel()
	// So slow that kills find the copy at every stage of it.
	r := &rig{source: newSide(t, debian(t), slow(20*time.Millisecond))}
	names, size := r.pushFamily(t, 5, mib)
	fetched := func(share float64) func(*rig) bool {
		return func(r *rig) bool {
			return float64(r.source.counter.Counts().BytesSent) >= share*float64(size)
		}
	}
	tagged := func(n int) func(*rig) bool {
		return func(r *rig) bool { return r.target.counter.Counts().Total(registrytest.PutManifest) >= n }
	}
	tests := []struct {
		name string
		when func(*rig) bool
	}{
		{"while planning", fetched(0.0001)},
		{"after a tenth", fetched(0.1)},
		{"half way", fetched(0.5)},
		{"after nine tenths", fetched(0.9)},
		{"at the first tag", tagged(1)},
		{"at the sixth tag", tagged(6)},
		{"at the last tag", tagged(len(names))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &rig{source: r.source, target: newSide(t, debian(t), slow(10*time.Millisecond))}
			r.source.counter.Reset()
			killed := r.copyAndKill(t, names, os.Kill, func() bool { return tt.when(r) })
			there := r.target.behind.Contents(t) // fails the test for what cannot be pulled
			t.Logf("killed: %v, with %d of %d tags there", killed, len(there), len(names))
			for tag, digest := range there {
				if want := r.source.behind.Digest(t, tag).String(); digest != want {
					t.Errorf("%s is %s, want %s", tag, digest, want)
				}
			}
			succeeded(t, r.copy(t.Context(), t, names...))
			r.arrived(t, names...)
		})
	}
}

// copyAndKill copies in a process of its own, and ends that by a signal when the time has
// come. It tells whether that was before the end.
func (r *rig) copyAndKill(t *testing.T, names []name, signal os.Signal, now func() bool) bool {
	t.Helper()
	k := killedRun{Source: r.source.Host, Target: r.target.Host, Journal: r.journal}
	for _, n := range names {
		k.Names = append(k.Names, [2]string{n.repository, n.tag})
	}
	spec, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(self, "-test.run=^TestKilledProcess$")
	cmd.Env = append(os.Environ(), copyVariable+"="+string(spec))
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !now() && len(ended) == 0 {
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Process.Signal(signal)
	err = <-ended
	if err != nil && cmd.ProcessState.Exited() && signal == os.Kill { // by itself
		t.Fatalf("the copy failed: %v\n%s", err, out.Bytes())
	}
	return err != nil
}

// slow holds every request to a registry back.
func slow(pause time.Duration) registrytest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(pause)
			next.ServeHTTP(w, r)
		})
	}
}

func debian(t *testing.T) *registrytest.Registry {
	t.Helper()
	return registrytest.Debian(t, registrytest.Options{})
}
