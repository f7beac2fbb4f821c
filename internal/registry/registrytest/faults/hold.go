package faults

import (
	"context"
	"net/http"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Hold holds blobs back half-way, so that a test finds a transfer in the midst of it however
// fast or slow the machine is. The zero value lets everything pass.
type Hold struct {
	mu  sync.Mutex
	now *allowance
}

// allowance is what the replies to requests since one call of Allow share.
type allowance struct {
	mu       sync.Mutex
	left     int64
	held     bool
	reached  chan struct{} // closed when the first reply is held
	released chan struct{}
}

// Allow lets that many bytes of blobs pass in all replies to requests from now on together, and
// holds the rest of them until their clients hang up, or until Release. The channel is closed
// once a reply is held; what was let pass has been sent then.
func (h *Hold) Allow(bytes int64) (reached <-chan struct{}) {
	a := &allowance{left: bytes, reached: make(chan struct{}), released: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = a
	return a.reached
}

// Release lets everything pass, and what is held since the last Allow go on.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now != nil {
		close(h.now.released)
		h.now = nil
	}
}

// Wrap puts it before a handler.
func (h *Hold) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		a := h.now
		h.mu.Unlock()
		if a != nil && registrytest.Classify(r).Kind == registrytest.GetBlob {
			w = &holdingWriter{ResponseWriter: w, ctx: r.Context(), allowance: a}
		}
		next.ServeHTTP(w, r)
	})
}

type holdingWriter struct {
	http.ResponseWriter
	ctx       context.Context // the request's, which ends when its client hangs up
	allowance *allowance
}

func (w *holdingWriter) Write(p []byte) (int, error) {
	pass := w.allowance.take(len(p))
	n, err := w.ResponseWriter.Write(p[:pass])
	if err != nil || n == len(p) {
		return n, err
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	w.allowance.hold()
	select {
	case <-w.allowance.released:
	case <-w.ctx.Done():
		return n, context.Cause(w.ctx)
	}
	rest, err := w.ResponseWriter.Write(p[n:])
	return n + rest, err
}

// Unwrap lets http.ResponseController reach what is behind.
func (w *holdingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// take returns how many of n bytes may pass.
func (a *allowance) take(n int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.released:
		return n
	default:
	}
	pass := min(int64(n), a.left)
	a.left -= pass
	return int(pass)
}

func (a *allowance) hold() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.held {
		a.held = true
		close(a.reached)
	}
}
