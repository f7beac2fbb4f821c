package integration_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

var errStop = errors.New("the user pressed Ctrl-C")

// A copy that is stopped leaves no tag that cannot be pulled and loses none, and running
// it again carries on from there.
func TestInterrupted(t *testing.T) {
	var alarm alarm
	r := &rig{
		source: newSide(t, registrytest.Debian(t, registrytest.Options{})),
		target: newSide(t, registrytest.Distribution(t, registrytest.Options{}), alarm.Wrap),
	}
	artifacts := r.artifacts(t, versions.Selection{Releases: []string{"v4.3.1"}})
	family := pushFamily(t, r, standin.Options{Bytes: 4 << 20})
	tags := 0
	for round := range 6 {
		ctx, cancel := context.WithCancelCause(t.Context())
		after, kinds := 1+rand.IntN(100), []registrytest.Kind(nil)
		if round == 5 { // at the latest now there is something to carry on from
			after, kinds = 2, []registrytest.Kind{registrytest.PutManifest}
		}
		alarm.set(after, func() { cancel(errStop) }, kinds...)
		_, _, err := r.copy(ctx, t, artifacts, plan.Options{})
		cancel(nil)
		if !errors.Is(err, errStop) && (err != nil || !alarm.quiet()) {
			t.Errorf("copying: %v, want to hear of the interruption", err)
		}
		alarm.set(0, nil)
		before := tags
		tags = len(r.target.Contents(t)) // fails the test where a tag cannot be pulled
		t.Logf("stopped at request %d %v: %d tags", after, kinds, tags)
		if tags < before {
			t.Errorf("%d tags, %d before: one was lost", tags, before)
		}
	}
	r.mustCopy(t, artifacts, plan.Options{})
	// Each interruption may cost the blobs that were in flight, and no others.
	got, most := r.source.counter.Counts().Served(registrytest.GetBlob), len(family.blobs)+6*transfer.DefaultJobs
	t.Logf("%d blobs fetched in all runs together, %d of them distinct", got, len(family.blobs))
	if got > most {
		t.Errorf("%d blobs fetched in all runs together, want %d at most: they did not carry on", got, most)
	}
	r.wantSame(t, artifacts)
}

// A stop is prompt even while every connection stands still.
func TestInterruptedWhileStalled(t *testing.T) {
	r := debianRig(t)
	pushSmall(t, r)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stopped := make(chan time.Time, 1)
	var once sync.Once
	r.source = newSide(t, r.source.Registry, stallBlobs(func() {
		once.Do(func() { stopped <- time.Now(); cancel(errStop) })
	}))
	artifacts := small(t, r)

	_, _, err := r.copy(ctx, t, artifacts, plan.Options{})
	if !errors.Is(err, errStop) {
		t.Fatalf("a copy whose source stalls = %v, want %v", err, errStop)
	}
	// The stall itself would be noticed after half a minute.
	if took := time.Since(<-stopped); took > 20*time.Second {
		t.Errorf("the copy went on for %v after it was stopped", took)
	}
	if got := r.target.Contents(t); len(got) != 0 {
		t.Errorf("the target holds %v, want no tags", got)
	}
}

// stallBlobs answers no request for a blob, and calls asked when there is one.
func stallBlobs(asked func()) registrytest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if registrytest.Classify(r).Kind != registrytest.GetBlob {
				next.ServeHTTP(w, r)
				return
			}
			asked()
			<-r.Context().Done()
		})
	}
}

// alarm is a handler that does something when a given number of requests has come, before
// the last of them is answered. The zero value does nothing.
type alarm struct {
	mu    sync.Mutex
	left  int
	kinds []registrytest.Kind
	ring  func()
}

// set winds the alarm up, or stops it where ring is nil. Where kinds are given only
// requests of those count.
func (a *alarm) set(requests int, ring func(), kinds ...registrytest.Kind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left, a.ring, a.kinds = requests, ring, kinds
}

// quiet says whether the alarm still waits.
func (a *alarm) quiet() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ring != nil
}

func (a *alarm) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ring := a.count(registrytest.Classify(r).Kind); ring != nil {
			ring()
		}
		next.ServeHTTP(w, r)
	})
}

// count counts a request and returns what there is to do now, if anything.
func (a *alarm) count(kind registrytest.Kind) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kinds) > 0 && !slices.Contains(a.kinds, kind) {
		return nil
	}
	a.left--
	if a.left != 0 {
		return nil
	}
	ring := a.ring
	a.ring = nil
	return ring
}
