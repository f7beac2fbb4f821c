package fanout

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// reader is one branch's reading of what is fetched for several. It holds no place at the source,
// until there is no room for it any more and the branch reads on for itself.
type reader struct {
	ctx  context.Context
	of   *flight
	from origin
	wake func() bool

	mu     sync.Mutex
	at, to int64
	alone  registry.Content
	closed bool
}

// reader opens a flight that has counted it already.
func (fl *flight) reader(ctx context.Context, from origin, at, to int64) registry.Content {
	r := &reader{ctx: ctx, of: fl, from: from, at: at, to: to}
	r.wake = context.AfterFunc(ctx, func() {
		fl.mu.Lock()
		defer fl.mu.Unlock()
		fl.changed.Broadcast()
	})
	return registry.Content{ReadCloser: r, Permit: registry.Permit{Release: r.rest}}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if own := r.own(); own.ReadCloser != nil {
		return own.Read(p)
	}
	if r.at == r.to {
		return 0, io.EOF
	}
	available, err := r.of.wait(r.ctx, r.at)
	if errors.Is(err, errNoRoom) {
		return r.goOnAlone(p)
	}
	if err != nil {
		return 0, err
	}
	n, err := r.of.fan.spool.read(p[:min(int64(len(p)), available, r.to-r.at)], r.of.base+r.at)
	r.at += int64(n)
	return n, err
}

// goOnAlone reads the rest at the source.
func (r *reader) goOnAlone(p []byte) (int, error) {
	own, err := r.of.fan.alone(r.ctx, r.from, r.of.blob, r.at, r.to)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	r.alone = own
	r.mu.Unlock()
	return own.Read(p)
}

// own is what the branch reads for itself; nothing while it does not.
func (r *reader) own() registry.Content {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alone
}

// rest gives the place at the source back, where there is one.
func (r *reader) rest() { r.own().Permit.End() }

// Close implements io.Closer.
func (r *reader) Close() error {
	r.mu.Lock()
	closed, own := r.closed, r.alone
	r.closed = true
	r.mu.Unlock()
	if closed {
		return nil
	}
	r.wake()
	r.of.fan.left(r.of)
	if own.ReadCloser != nil {
		return own.Close()
	}
	return nil
}
