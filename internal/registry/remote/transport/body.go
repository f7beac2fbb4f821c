package transport

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/stall"
)

// received is a response body under watch.
type received struct {
	io.ReadCloser
	ctx     context.Context
	client  *Client
	watch   *stall.Watchdog
	conn    *conn // that gathers, or nil
	release func()
}

func (r *received) Read(p []byte) (int, error) {
	r.watch.Wait()
	n, err := r.gather(p)
	r.watch.Got(int64(n))
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
	r.watch.End()
	err := r.ReadCloser.Close()
	r.release()
	return err
}

// sent is a request body under watch: the network's time is what passes between two reads.
type sent struct {
	io.Reader
	ctx    context.Context
	client *Client
	watch  *stall.Watchdog
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
		s.client.noExpect.Store(true) // it has waited in vain, once is enough
	}
	s.expects = false
	s.watch.Got(s.n)
	n, err := s.Reader.Read(p[:min(len(p), s.pace.next())])
	if limitErr := s.client.throttle(s.ctx, n); limitErr != nil && err == nil {
		err = limitErr
	}
	s.client.opts.Traffic.BytesWritten.Add(int64(n))
	if s.n = int64(n); err != nil {
		// All is handed over: a registry may take its time to store a large blob.
		s.watch.Got(s.n)
		s.watch.Reset(answerPatience * s.client.opts.StallTimeout)
	}
	s.pace.handed()
	s.watch.Wait()
	return n, err
}

// WriteTo implements io.WriterTo, by which net/http sends a body of no declared length: it would
// hand over 32 KiB at a time otherwise, see mostPortion.
func (s *sent) WriteTo(w io.Writer) (int64, error) {
	portion := portions.Get().(*[mostPortion]byte)
	defer portions.Put(portion)
	return io.CopyBuffer(w, struct{ io.Reader }{s}, portion[:])
}

func (s *sent) Close() error { return nil }

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
	return &NetError{Err: err}
}
