// Package stall ends requests whose connection stays open while nothing moves, or next to nothing.
// Watch derives the context under which a request runs; whoever moves its bytes says when the network
// is waited for (Watchdog.Wait) and what has come of it (Watchdog.Got).
package stall

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// DefaultTimeout is for how long a request may make no progress, where nobody says otherwise.
const DefaultTimeout = 30 * time.Second

// Bytes is what has to move within a time to count as progress. A server that sends a byte a second
// keeps its connection alive, and a run for ever. Whoever gives a line longer than DefaultTimeout asks
// for no more of it.
func Bytes(within time.Duration) int64 {
	const perSecond = 1 << 10
	within = min(within, DefaultTimeout)
	return max(1, int64(within.Seconds()*perSecond))
}

// Watchdog ends a request whose connection stays open while nothing moves, or next to nothing. Only
// the time spent waiting for the network counts: a download whose reader is busy elsewhere has not
// stalled, nor has an upload that waits for its own source, or either that is held back to a rate.
//
// Next to nothing is less than need bytes, where all requests to the registry together have not moved
// more: several that share a slow line are no stall, as long as each of them gets on. What it ends has
// registry.ErrStalled for the cause of its context.
type Watchdog struct {
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

// Watch derives the context under which a request runs: it may wait for need bytes as long as patience
// lasts. To all, which the requests to one registry share, it adds what it has moved. The clock stands
// until Wait; whoever calls Watch calls End.
func Watch(ctx context.Context, patience time.Duration, need int64, all *atomic.Int64) (context.Context, *Watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &Watchdog{cancel: cancel, need: need, all: all, patient: patience, before: all.Load()}
	w.timer = time.AfterFunc(patience, w.over)
	w.timer.Stop()
	return ctx, w
}

// over ends the request, unless it has had its share.
func (w *Watchdog) over() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.since.IsZero() || w.waited+time.Since(w.since) < w.patient: // it has got something at the last moment
	case w.moved == 0:
		w.cancel(registry.ErrStalled)
	case w.moved < min(leastShare, w.need) || w.all.Load()-w.before < w.need:
		w.cancel(fmt.Errorf("%w: only %d bytes in %s", registry.ErrStalled, w.moved, w.patient))
	default:
		w.total += time.Since(w.since)
		w.since = time.Now()
		w.begin()
		w.timer.Reset(w.patient)
	}
}

// begin begins to count anew. The lock is held.
func (w *Watchdog) begin() { w.moved, w.waited, w.before = 0, 0, w.all.Load() }

// Wait starts the clock.
func (w *Watchdog) Wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
	w.timer.Reset(max(0, w.patient-w.waited))
}

// Got stops the clock: n bytes have moved, or the other side has answered.
func (w *Watchdog) Got(n int64) {
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

// Spent is how long the network has been waited for in all.
func (w *Watchdog) Spent() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Reset starts anew with another patience.
func (w *Watchdog) Reset(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patient = patience
	w.begin()
}

// End releases the request's context.
func (w *Watchdog) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.cancel(nil)
}

// EndAfter ends the request after a time, however much moves, unless the returned function is called
// before.
func (w *Watchdog) EndAfter(limit time.Duration) (stop func()) {
	timer := time.AfterFunc(limit, func() { w.cancel(registry.ErrStalled) })
	return func() { timer.Stop() }
}
