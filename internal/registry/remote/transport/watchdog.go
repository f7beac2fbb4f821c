package transport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// watchdog ends a request whose connection stays open while nothing moves, or next to nothing. Only
// the time spent waiting for the network counts: a download whose reader is busy elsewhere has not
// stalled, nor has an upload that waits for its own source, or either that is held back to a rate.
//
// Next to nothing is less than need bytes, where all requests to the registry together have not moved
// more: several that share a slow line are no stall, as long as each of them gets on.
type watchdog struct {
	cancel context.CancelCauseFunc
	need   int64         // bytes that count as progress
	all    *atomic.Int64 // bytes that all requests to the registry have moved

	mu      sync.Mutex
	timer   *time.Timer
	patient time.Duration
	waited  time.Duration // without need bytes having moved
	total   time.Duration // waited in all
	moved   int64
	before  int64     // of all, when waited began
	since   time.Time // zero while nobody waits
}

// leastShare is what a request has to move where the others make up for it.
const leastShare = 1 << 10

// watch derives the context under which a request runs.
func watch(ctx context.Context, patience time.Duration, need int64, all *atomic.Int64) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{cancel: cancel, need: need, all: all, patient: patience, before: all.Load()}
	w.timer = time.AfterFunc(patience, w.over)
	w.timer.Stop()
	return ctx, w
}

// over ends the request, unless it has had its share.
func (w *watchdog) over() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.since.IsZero() || w.waited+time.Since(w.since) < w.patient: // it has got something at the last moment
	case w.moved == 0:
		w.cancel(errStalled)
	case w.moved < min(leastShare, w.need) || w.all.Load()-w.before < w.need:
		w.cancel(fmt.Errorf("%w: only %d bytes in %s", errStalled, w.moved, w.patient))
	default:
		w.total += time.Since(w.since)
		w.since = time.Now()
		w.begin()
		w.timer.Reset(w.patient)
	}
}

// begin begins to count anew. The lock is held.
func (w *watchdog) begin() { w.moved, w.waited, w.before = 0, 0, w.all.Load() }

// wait starts the clock.
func (w *watchdog) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
	w.timer.Reset(max(0, w.patient-w.waited))
}

// got stops the clock: n bytes have moved, or the other side has answered.
func (w *watchdog) got(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	if !w.since.IsZero() {
		waited := time.Since(w.since)
		w.waited, w.total, w.since = w.waited+waited, w.total+waited, time.Time{}
	}
	w.all.Add(n)
	if w.moved += n; w.moved >= w.need {
		w.begin()
	}
}

// spent is how long the network has been waited for in all.
func (w *watchdog) spent() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// reset starts anew with another patience.
func (w *watchdog) reset(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patient = patience
	w.begin()
}

// end releases the request's context.
func (w *watchdog) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.cancel(nil)
}
