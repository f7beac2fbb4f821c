package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry/server"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/store"
)

// anyPort is whatever is free on the loopback.
const anyPort = "127.0.0.1:0"

// countedRegistry is a registry that counts what it is asked.
type countedRegistry struct {
	*server.Running
	content *store.Store
	// requests counts all requests, writes those that are not GET or HEAD.
	requests, writes atomic.Int64
}

// startRegistry starts a registry on the loopback, with its content in dir: at an address
// if one is named and nothing else listens there, otherwise on a free port.
func startRegistry(ctx context.Context, dir, address string) (*countedRegistry, error) {
	content, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(address, anyPort))
	if err != nil {
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp", anyPort)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a registry: %w", err), content.Close())
	}
	r := &countedRegistry{content: content}
	r.Running = server.Start(ctx, listener, r.count(server.NewWritable(content)))
	return r, nil
}

func (r *countedRegistry) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			r.writes.Add(1)
		}
		next.ServeHTTP(w, req)
	})
}

// close ends the registry; nil has none.
func (r *countedRegistry) close() {
	if r != nil {
		_, _ = r.Close(), r.content.Close() // the demonstration is over either way
	}
}
