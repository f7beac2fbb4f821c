package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// The time limits of net/http are for a whole request or response, however large it is. Those
// here are for what does not move: a layer may take an hour, as long as it is being read.

// watchedListener gives its connections up when a client reads nothing.
type watchedListener struct {
	net.Listener
	idle time.Duration
}

// Accept returns the next connection.
func (l *watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{conn, l.idle}, nil
}

// portion is what a client has to read in the time that a connection may be idle.
const portion = 64 << 10

type watchedConn struct {
	net.Conn
	idle time.Duration
}

// Write fails once the client has not taken a portion for too long.
func (c *watchedConn) Write(p []byte) (written int, err error) {
	for first := true; first || len(p) > 0; first = false {
		if err := c.SetWriteDeadline(time.Now().Add(c.idle)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[:min(portion, len(p))])
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

// bodies lets next wait for a request's body only as long as something arrives of it.
func (l limits) bodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			body := &watchedBody{r.Body, http.NewResponseController(w), l.idle}
			body.wait()
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

type watchedBody struct {
	io.ReadCloser
	connection *http.ResponseController
	idle       time.Duration
}

// Read fails once nothing has arrived for too long. At the end the connection is net/http's
// again, which reads ahead from it to see whether the client is still there.
func (b *watchedBody) Read(p []byte) (int, error) {
	b.wait()
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}

// wait gives the client time to send more. What has no such limits, a recorder in a test, has no
// client that could hold it up.
func (b *watchedBody) wait() { _ = b.connection.SetReadDeadline(time.Now().Add(b.idle)) }
