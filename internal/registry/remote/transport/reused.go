package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

// connUse is what became of the connection that a request was sent on.
type connUse struct {
	reused, heard atomic.Bool
	belowTLS      atomic.Pointer[conn] // nil without TLS
}

// noteConn notes it in the request's context.
func noteConn(ctx context.Context) (context.Context, *connUse) {
	use := new(connUse)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              use.got,
		GotFirstResponseByte: func() { use.heard.Store(true) },
	}), use
}

func (u *connUse) got(info httptrace.GotConnInfo) {
	u.reused.Store(info.Reused)
	if secure, ok := info.Conn.(*tls.Conn); ok {
		if c, ok := secure.NetConn().(*conn); ok {
			u.belowTLS.Store(c)
		}
	}
}

// reusedError is a connection from an earlier request that was closed before an answer came: servers,
// and what stands before them, close what has been idle, often just when the next request is sent.
// It says nothing of the server. net/http sends only what has no effect again by itself.
type reusedError struct{ err error }

func (e *reusedError) Error() string { return e.err.Error() }
func (e *reusedError) Unwrap() error { return e.err }

// judge tells such an end from others.
func (u *connUse) judge(err error) error {
	var network *NetError
	if !errors.As(err, &network) || !u.reused.Load() || u.heard.Load() {
		return err
	}
	return &NetError{Err: &reusedError{network.Err}}
}

// mostReused is how often an operation is tried again at once for that, until it makes progress. None
// of the idle connections is used for it, so that once is enough, as a rule.
const mostReused = 3

// atOnce tells whether to try again without waiting.
func (r *Retry) atOnce(cause error) bool {
	var reused *reusedError
	if !errors.As(cause, &reused) || r.reused >= mostReused {
		return false
	}
	r.reused++
	r.client.transport.CloseIdleConnections()
	r.client.opts.Traffic.Retries.Add(1)
	return true
}
