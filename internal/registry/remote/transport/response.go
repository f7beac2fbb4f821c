package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Response is an answer. Its body is watched, counted, and holds the request's place among
// those in flight until it is closed.
type Response struct {
	*http.Response
	body    *received
	resting bool // the place has been given back
}

// Encoded tells that the body is sent in another form than it has, compressed most likely, so
// that its length says nothing. See Decode.
func (r *Response) Encoded() bool { return encodingOf(r.Response) != "" }

// Rest gives the place back until Resume: whoever waits for something else meanwhile must
// not keep others from reading. It may be called again.
func (r *Response) Rest() {
	r.body.release()
	r.resting = true
}

// Resume takes a place again after Rest, to read on; without one it does nothing.
func (r *Response) Resume(ctx context.Context) error {
	if !r.resting {
		return nil
	}
	release, err := r.body.client.gate.Enter(ctx)
	if err != nil {
		return err
	}
	r.body.release, r.resting = release, false
	return nil
}

// slowest is how many bytes a second a body has to bring that is read whole, after two stall
// timeouts: one that drips never stalls.
const slowest = 4 << 10

// ReadAll reads a body of at most limit bytes, and no more than one byte beyond; closing it is
// the caller's.
func (r *Response) ReadAll(limit int64) ([]byte, error) {
	var whole bytes.Buffer
	if size := r.ContentLength; size > 0 && size <= limit {
		whole.Grow(int(size) + bytes.MinRead) // one that grows is there twice, and leaves more behind
	}
	_, err := whole.ReadFrom(&steady{
		Reader: io.LimitReader(r.Response.Body, limit+1), watch: r.body.watch, before: r.body.watch.spent(),
		patience: 2 * r.body.client.opts.StallTimeout,
	})
	if room := whole.Cap() - whole.Len(); room > whole.Len()/8 {
		return bytes.Clone(whole.Bytes()), err // of manifests thousands are kept, without the room to read into
	}
	return whole.Bytes(), err
}

// steady fails where its reader is too slow.
type steady struct {
	io.Reader
	watch    *watchdog
	before   time.Duration // what had been waited
	patience time.Duration
	n        int64
}

func (s *steady) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.n += int64(n)
	waited, allowed := s.watch.spent()-s.before, s.patience+time.Duration(s.n)*time.Second/slowest
	if err == nil && waited > allowed {
		err = fmt.Errorf("%w: only %d bytes in %s", errStalled, s.n, waited.Round(time.Millisecond))
	}
	return n, err
}

// Drain reads the rest of a short body, so that its connection can be used again, and
// closes it. It takes no longer than one stall timeout.
func (r *Response) Drain() { drain(r.body) }

// mostDrained is how much of a body is read for the sake of its connection.
const mostDrained = 64 << 10

// drain reads the rest of a short body, so that its connection can be used again, and
// closes it. It takes no longer than one stall timeout.
func drain(body io.ReadCloser) {
	defer hurry(body)()
	_, _ = io.CopyN(io.Discard, body, mostDrained)
	_ = body.Close()
}

// hurry ends the request of a body after one stall timeout, until the returned function is
// called. What is read under it is a courtesy that holds a place at the gate, and a body
// that drips never stalls. Requests for tokens are bounded as a whole, see askOnce.
func hurry(body io.Reader) (stop func()) {
	r, ok := body.(*received)
	if !ok {
		return func() {}
	}
	timer := time.AfterFunc(r.client.opts.StallTimeout, func() { r.watch.cancel(errStalled) })
	return func() { timer.Stop() }
}
