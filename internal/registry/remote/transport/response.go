package transport

import (
	"bytes"
	"context"
	"io"
	"net/http"
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

// ReadAll reads a body of at most limit bytes, and no more than one byte beyond; closing it is
// the caller's.
func (r *Response) ReadAll(limit int64) ([]byte, error) {
	var whole bytes.Buffer
	if size := r.ContentLength; size > 0 && size <= limit {
		whole.Grow(int(size) + bytes.MinRead) // one that grows is there twice, and leaves more behind
	}
	_, err := whole.ReadFrom(r.body.watch.Steady(io.LimitReader(r.Response.Body, limit+1), 2*r.body.client.opts.StallTimeout))
	if room := whole.Cap() - whole.Len(); room > whole.Len()/8 {
		return bytes.Clone(whole.Bytes()), err // of manifests thousands are kept, without the room to read into
	}
	return whole.Bytes(), err
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
	return r.watch.EndAfter(r.client.opts.StallTimeout)
}
