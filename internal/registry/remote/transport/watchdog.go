package transport

import (
	"context"
	"sync"
	"time"
)

// watchdog ends a request whose connection stays open while nothing moves. Only the time
// spent waiting for the network counts: a download whose reader is busy elsewhere has not
// stalled, nor has an upload that waits for its own source.
type watchdog struct {
	cancel context.CancelCauseFunc
	need   int64 // bytes that count as progress

	mu      sync.Mutex
	timer   *time.Timer
	patient time.Duration
	waited  time.Duration // without need bytes having moved
	moved   int64
	since   time.Time // zero while nobody waits
}

// watch derives the context under which a request runs.
func watch(ctx context.Context, patience time.Duration, need int64) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{cancel: cancel, need: need, patient: patience}
	w.timer = time.AfterFunc(patience, func() { cancel(errStalled) })
	w.timer.Stop()
	return ctx, w
}

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
		w.waited += time.Since(w.since)
		w.since = time.Time{}
	}
	if w.moved += n; w.moved >= w.need {
		w.moved, w.waited = 0, 0
	}
}

// reset starts anew with another patience.
func (w *watchdog) reset(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patient, w.moved, w.waited = patience, 0, 0
}

// end releases the request's context.
func (w *watchdog) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.cancel(nil)
}
