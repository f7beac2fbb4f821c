package remote

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
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

// received is a response body under watch.
type received struct {
	io.ReadCloser
	ctx     context.Context
	client  *Client
	watch   *watchdog
	release func()
}

func (r *received) Read(p []byte) (int, error) {
	r.watch.wait()
	n, err := r.ReadCloser.Read(p)
	r.watch.got(int64(n))
	r.client.opts.Traffic.BytesRead.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = cause(r.ctx, err)
	}
	if limitErr := r.client.throttle(r.ctx, n); limitErr != nil && err == nil {
		err = limitErr
	}
	return n, err
}

// Close gives back the request's place at the gate.
func (r *received) Close() error {
	r.watch.end()
	err := r.ReadCloser.Close()
	r.release()
	return err
}

// sent is a request body under watch: the network's time is what passes between two reads.
type sent struct {
	io.Reader
	ctx    context.Context
	client *Client
	watch  *watchdog
	n      int64
	pace   pace

	expects bool        // nothing has been read since the registry was asked whether it wants this
	welcome atomic.Bool // it has said so
}

// expect notes whether the registry says that it wants the body.
func (s *sent) expect(ctx context.Context) context.Context {
	s.expects = true
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { s.welcome.Store(true) }})
}

func (s *sent) Read(p []byte) (int, error) {
	if s.expects && !s.welcome.Load() {
		s.client.uploads.noExpect.Store(true) // it has waited in vain, once is enough
	}
	s.expects = false
	s.watch.got(s.n)
	n, err := s.Reader.Read(p[:min(len(p), s.pace.next())])
	if limitErr := s.client.throttle(s.ctx, n); limitErr != nil && err == nil {
		err = limitErr
	}
	s.client.opts.Traffic.BytesWritten.Add(int64(n))
	if s.n = int64(n); err != nil {
		// All is handed over: a registry may take its time to store a large blob.
		s.watch.got(s.n)
		s.watch.reset(answerPatience * s.client.opts.StallTimeout)
	}
	s.pace.handed()
	s.watch.wait()
	return n, err
}

func (s *sent) Close() error { return nil }

// pace is how much of a body to hand over at once. That it has passed is known only when the
// next portion is asked for: one that is too large for a slow line would look like a stall.
// The zero value is ready.
type pace struct {
	portion int
	since   time.Time // the last portion was handed over
}

const (
	firstPortion = 32 << 10
	leastPortion = 4 << 10
	quickPortion = 20 * time.Millisecond
	slowPortion  = time.Second
)

// next is the size of the next portion, judged by how long the last one took.
func (p *pace) next() int {
	took := time.Since(p.since)
	switch {
	case p.portion == 0:
		p.portion = firstPortion
	case took < quickPortion:
		p.portion = min(2*p.portion, mostPortion)
	case took > slowPortion:
		p.portion = max(p.portion/2, leastPortion)
	}
	return p.portion
}

// handed notes that a portion is on its way.
func (p *pace) handed() { p.since = time.Now() }

// answerPatience is how many stall timeouts a registry has to confirm an upload: storing a
// blob of several gigabytes in an object store takes minutes.
const answerPatience = 10

// throttle holds n bytes back to the rate limit.
func (c *Client) throttle(ctx context.Context, n int) error {
	if c.limit == nil || n <= 0 {
		return nil
	}
	for burst := c.limit.Burst(); n > 0; n -= burst {
		if err := c.limit.WaitN(ctx, min(n, burst)); err != nil {
			return cause(ctx, err)
		}
	}
	return nil
}

// cause is the reason for which a request's context ended, else err itself as a network error.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		return reason
	}
	return &netError{err}
}
