package fanout_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/fanout"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/slowlink"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

var roomy = fanout.Options{Limit: 1 << 30}

// Each byte of a blob leaves the source once, and each manifest, however many targets there are.
func TestSourceIsReadOnce(t *testing.T) {
	requests := map[int]int{}
	for _, n := range []int{1, 2, 3} {
		w := newWorld(t, 5, 3, 1<<20)
		registries, clients := targets(t, n)
		outcomes, counts := w.copyTo(t.Context(), roomy, clients...)
		requests[n] = w.all.Counts().Total()
		w.wantRead(counts)
		for i := range registries {
			w.wantWhole(outcomes[i], registries[i])
			if counts.Again[i] != (fanout.Again{}) {
				t.Errorf("%d targets: %+v was read again for target %d, want nothing", n, counts.Again[i], i)
			}
		}
	}
	if requests[2] != requests[1] || requests[3] != requests[1] {
		t.Errorf("requests to the source by the number of targets: %v, want them all alike", requests)
	}
}

// A target that is down from the start costs the others nothing, in time or in bytes: they are done while it is still tried
// again.
func TestOneTargetIsDown(t *testing.T) {
	w := newWorld(t, 3, 2, 1<<20)
	registries, clients := targets(t, 1)
	otherDone := make(chan struct{})
	down := registrytest.InProcess(t, registrytest.Options{Wrap: []registrytest.Middleware{func(http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			select {
			case <-otherDone:
				http.Error(rw, "no", http.StatusForbidden) // an end
			default:
				http.Error(rw, "down", http.StatusServiceUnavailable)
			}
		})
	}}})
	outcomes, counts := w.copyThen(t.Context(), roomy, func(target int) {
		if target == 0 {
			close(otherDone)
		}
	}, clients[0], client(t, down.Host, remote.Options{Side: registry.SideTarget, Push: true, RetryTimeout: time.Minute}))
	w.wantWhole(outcomes[0], registries[0])
	w.wantRead(counts)
	failed := outcomes[1].report
	if failed == nil || failed.Failed != len(w.refs) {
		t.Fatalf("the target that is down: %+v, %v, want all failed", failed, outcomes[1].err)
	}
	for _, r := range failed.Results {
		if !errors.Is(r.Err, registry.ErrForbidden) {
			t.Errorf("the target that is down: %v, want it tried until the other was done", r.Err)
		}
	}
}

// A target that refuses, at once or in the middle, fails alone.
func TestOneTargetRefuses(t *testing.T) {
	tests := []struct {
		name string
		with faults.Answer
		want error
	}{
		{"401", faults.Answer{Times: faults.Always, Status: http.StatusUnauthorized}, registry.ErrUnauthorized},
		{"403", faults.Answer{On: faults.On(registrytest.StartUpload, registrytest.Mount), Times: faults.Always, Status: http.StatusForbidden, Code: "DENIED"}, registry.ErrForbidden},
		{"413", faults.Answer{On: faults.On(registrytest.PutUpload, registrytest.PatchUpload), Times: faults.Always, Status: http.StatusRequestEntityTooLarge}, registry.ErrTooLarge},
		{"403 in the middle", faults.Answer{On: faults.On(registrytest.PutUpload), Skip: 4, Times: faults.Always, Status: http.StatusForbidden, Code: "DENIED"}, registry.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 3, 2, 1<<20)
			registries, clients := targets(t, 1)
			refusing := registrytest.InProcess(t, registrytest.Options{Wrap: []registrytest.Middleware{tt.with.Fault()}})
			outcomes, counts := w.copyTo(t.Context(), roomy, clients[0], toTarget(t, refusing.Host))
			w.wantWhole(outcomes[0], registries[0])
			w.wantRead(counts)
			err := outcomes[1].err
			if err == nil {
				for _, r := range outcomes[1].report.Results {
					if err == nil {
						err = r.Err
					}
				}
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("the refusing target: %v, want %v", err, tt.want)
			}
		})
	}
}

// What a target holds already it does not get, and the source is read for the other alone.
func TestOneTargetHasHalf(t *testing.T) {
	w := newWorld(t, 4, 2, 1<<20)
	registries, clients := targets(t, 2)
	all := w.refs
	w.refs = all[:2]
	first, _ := w.copyTo(t.Context(), roomy, clients[1])
	w.wantWhole(first[0], registries[1])
	w.refs = all
	w.blobs.Reset()
	outcomes, counts := w.copyTo(t.Context(), roomy, clients...)
	w.wantRead(counts)
	for i := range registries {
		w.wantWhole(outcomes[i], registries[i])
	}
	if got := outcomes[1].report.Present; got != 2 {
		t.Errorf("%d artifacts were present at the second target, want 2", got)
	}
}

// A target that takes nothing holds nobody up, and what it has still to get is not read again.
func TestOneTargetIsSlow(t *testing.T) {
	w := newWorld(t, 4, 2, 2<<20)
	registries, clients := targets(t, 1)
	slow, client, release := held(t)
	fast := func(i int) {
		if i == 0 {
			release() // the other has not got a byte yet
		}
	}
	outcomes, counts := w.copyThen(t.Context(), roomy, fast, clients[0], client)
	w.wantRead(counts)
	w.wantWhole(outcomes[0], registries[0])
	w.wantWhole(outcomes[1], slow)
}

// Over a thin wire all arrives as well.
func TestThinWire(t *testing.T) {
	w := newWorld(t, 4, 2, 256<<10)
	registries, clients := targets(t, 2)
	link, err := slowlink.New(registries[1].Host, slowlink.Options{Bandwidth: 2 << 20, RTT: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	outcomes, counts := w.copyTo(t.Context(), roomy, clients[0], toTarget(t, link.Addr()))
	w.wantRead(counts)
	for i := range registries {
		w.wantWhole(outcomes[i], registries[i])
	}
}

// Beyond the limit the fast target goes on all the same, and what is read again for the slow one is
// counted.
func TestBeyondTheLimit(t *testing.T) {
	for _, limit := range []int64{0, 5 << 20} {
		w := newWorld(t, 6, 3, 2<<20)
		registries, clients := targets(t, 1)
		slow, client, release := held(t)
		fast := func(i int) {
			if i == 0 {
				release()
			}
		}
		outcomes, counts := w.copyThen(t.Context(), fanout.Options{Limit: limit}, fast, clients[0], client)
		w.wantWhole(outcomes[0], registries[0])
		w.wantWhole(outcomes[1], slow)
		again := counts.Again[0].Bytes + counts.Again[1].Bytes
		if sent := w.blobs.Counts().BytesSent; again == 0 || sent != w.unique+again || counts.Bytes != sent {
			t.Errorf("limit %d: the source sent %d bytes, %d of them again, counted %+v, want %d and what was read again", limit, sent, again, counts, w.unique)
		}
	}
}

// A folder that takes no file makes each target read for itself.
func TestNoFile(t *testing.T) {
	w := newWorld(t, 2, 1, 1<<20)
	registries, clients := targets(t, 2)
	outcomes, counts := w.copyTo(t.Context(), fanout.Options{Limit: 1 << 30, TempDir: filepath.Join(t.TempDir(), "none")}, clients...)
	for i := range registries {
		w.wantWhole(outcomes[i], registries[i])
	}
	if counts.Again[0].Bytes+counts.Again[1].Bytes != w.unique {
		t.Errorf("counted %+v, want %d read again", counts, w.unique)
	}
}

// Nothing is left behind.
func TestNothingIsLeft(t *testing.T) {
	w := newWorld(t, 2, 1, 1<<20)
	_, clients := targets(t, 2)
	dir := t.TempDir()
	w.copyTo(t.Context(), fanout.Options{Limit: 1 << 30, TempDir: dir}, clients...)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v are left in the folder, want nothing", left, err)
	}
}

// Uploads that break at one target are sent again from what was kept.
func TestBrokenUploadsAreNotReadAgain(t *testing.T) {
	w := newWorld(t, 3, 2, 2<<20)
	registries, clients := targets(t, 1)
	broken := registrytest.InProcess(t, registrytest.Options{})
	front := registrytest.Front(t, broken, faults.CutUploads(faults.Cut{After: 1 << 20, Times: 4}))
	outcomes, counts := w.copyTo(t.Context(), roomy, clients[0], toTarget(t, front.Host))
	w.wantRead(counts)
	w.wantWhole(outcomes[0], registries[0])
	w.wantWhole(outcomes[1], broken)
}

// Downloads that break are continued, for all.
func TestBrokenDownloads(t *testing.T) {
	w := newWorld(t, 3, 2, 2<<20, faults.CutDownloads(faults.Cut{After: 1 << 20, Times: 3}))
	registries, clients := targets(t, 2)
	outcomes, _ := w.copyTo(t.Context(), roomy, clients...)
	for i := range registries {
		w.wantWhole(outcomes[i], registries[i])
	}
}

// Wrong bytes reach no target, and fail what needs them at each.
func TestWrongBytes(t *testing.T) {
	w := newWorld(t, 2, 1, 1<<20, faults.WrongBytes(1000, faults.Always))
	registries, clients := targets(t, 2)
	outcomes, _ := w.copyTo(t.Context(), roomy, clients...)
	for i, o := range outcomes {
		if o.report == nil || o.report.Failed != len(w.refs) {
			t.Fatalf("target %d: %+v, %v, want all failed", i, o.report, o.err)
		}
		for _, r := range o.report.Results {
			if !errors.Is(r.Err, registry.ErrDigestMismatch) {
				t.Errorf("target %d: %v, want a digest mismatch", i, r.Err)
			}
		}
		if there := registries[i].Contents(t); len(there) > 0 {
			t.Errorf("target %d holds %v, want nothing", i, there)
		}
	}
}

// An interrupted run ends soon, at all targets; the next one goes on at each.
func TestInterrupted(t *testing.T) {
	w := newWorld(t, 4, 2, 2<<20)
	registries, clients := targets(t, 2)
	link, err := slowlink.New(registries[1].Host, slowlink.Options{Bandwidth: 256 << 10}) // all of it takes a minute
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	slow := toTarget(t, link.Addr())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended time.Time
	w.copyThen(ctx, roomy, func(target int) {
		if target == 0 { // which has everything then, so that what the other lacks is all that is to be read
			ended = time.Now()
			cancel()
		}
	}, clients[0], slow)
	if took := time.Since(ended); took > 20*time.Second {
		t.Errorf("the run ended %v after it was interrupted", took)
	}
	w.blobs.Reset()
	outcomes, counts := w.copyTo(t.Context(), roomy, clients...)
	for i := range registries {
		w.wantWhole(outcomes[i], registries[i])
	}
	if want := outcomes[1].planned.BytesToMove; counts.Bytes > want {
		t.Errorf("the second run read %d bytes, want %d at most", counts.Bytes, want)
	}
}
