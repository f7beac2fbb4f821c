// Package embedded is a small registry inside the program, for the demonstration and for
// tests: go-containerregistry's, with its content in a folder that other tools read too,
// and with the habits that a copy meets elsewhere: blobs that belong to repositories,
// mounts, ranges. It listens on loopback, knows no accounts, and is no server for anything
// that matters.
//
//	r, err := embedded.Start(ctx, embedded.Options{Dir: dir})
//	defer r.Close()
//	... r.Host ...
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Options steer Start.
type Options struct {
	// Dir holds the content: an OCI image layout, which is made if it is missing and
	// carried on if it is there. Required.
	Dir string
	// Wrap puts a handler before the registry, one that counts for example; it may be nil.
	Wrap func(http.Handler) http.Handler
}

// Registry is a registry that is running.
type Registry struct {
	// Host is its address, "127.0.0.1:41233".
	Host string
	// Dir is where its content is.
	Dir string

	server *http.Server
	served chan error

	// mu is held by every request, so that Close can wait for them.
	mu     sync.RWMutex
	closed bool
}

// Start runs a registry on a free port of loopback, until Close.
func Start(ctx context.Context, opts Options) (*Registry, error) {
	handler, err := newHandler(ctx, opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the registry in %s: %w", opts.Dir, err)
	}
	if opts.Wrap != nil {
		handler = opts.Wrap(handler)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	r := &Registry{Host: listener.Addr().String(), Dir: opts.Dir, served: make(chan error, 1)}
	r.server = &http.Server{Handler: r.whileOpen(handler), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		r.served <- r.server.Serve(listener)
		close(r.served)
	}()
	return r, nil
}

// newHandler is the registry of a folder.
func newHandler(ctx context.Context, dir string) (http.Handler, error) {
	if dir == "" {
		return nil, errors.New("no folder is named")
	}
	store, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	inner := registry.New(
		registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithBlobHandler(store),
		registry.WithReferrersSupport(true),
	)
	h := &handler{store: store, inner: inner}
	return h, h.replay(ctx)
}

// whileOpen answers requests until the registry is closed.
func (r *Registry) whileOpen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if r.closed {
			refuse(w, http.StatusServiceUnavailable, "UNKNOWN", "the registry is closed")
			return
		}
		next.ServeHTTP(w, req)
	})
}

// Close ends the registry and cuts the requests that are under way. Once it returns
// nothing is written to the folder any more. It may be called more than once.
func (r *Registry) Close() error {
	closed := r.server.Close() // fails reads and writes of the requests, so that they end
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if err := <-r.served; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the registry at %s: %w", r.Host, err)
	}
	return closed
}
