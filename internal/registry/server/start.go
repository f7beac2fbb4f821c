package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Running is a server in the background.
type Running struct {
	// Host is its address, "127.0.0.1:41233".
	Host string

	server *http.Server
	served chan error

	// mu is held by every request, so that Close can wait for them.
	mu     sync.RWMutex
	closed bool
}

// Start serves handler on listener, which is its from then on, until Close, within the limits
// of Run.
func Start(ctx context.Context, listener net.Listener, handler http.Handler) *Running {
	r := &Running{Host: listener.Addr().String(), served: make(chan error, 1)}
	r.server = newServer(ctx, r.whileOpen(handler), common)
	go func() {
		r.served <- serve(r.server, common.around(listener))
		close(r.served)
	}()
	return r
}

// whileOpen answers requests until the server is closed.
func (r *Running) whileOpen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if r.closed {
			fail(w, http.StatusServiceUnavailable, "UNKNOWN", "the registry is closed")
			return
		}
		next.ServeHTTP(w, req)
	})
}

// Close ends the server and cuts the requests that are under way. Once it returns none of them
// touches the content any more. It may be called more than once.
func (r *Running) Close() error {
	closed := r.server.Close() // fails reads and writes of the requests, so that they end
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if err := <-r.served; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the registry at %s: %w", r.Host, err)
	}
	return closed
}
