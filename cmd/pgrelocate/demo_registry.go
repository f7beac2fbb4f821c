package main

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry/embedded"
)

// demoRegistry is a registry that counts what it is asked.
type demoRegistry struct {
	*embedded.Registry
	// requests counts all requests, writes those that are not GET or HEAD.
	requests, writes atomic.Int64
}

func startDemoRegistry(ctx context.Context, dir string) (*demoRegistry, error) {
	r := &demoRegistry{}
	var err error
	r.Registry, err = embedded.Start(ctx, embedded.Options{Dir: dir, Wrap: r.count})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *demoRegistry) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			r.writes.Add(1)
		}
		next.ServeHTTP(w, req)
	})
}

// close ends the registry; nil has none.
func (r *demoRegistry) close() {
	if r != nil {
		_ = r.Close() // the demonstration is over either way
	}
}
