package remote

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// blobPauses are what a registry gets to find blobs that it has confirmed: some see their
// own mounts a little later.
var blobPauses = []time.Duration{500 * time.Millisecond, 2 * time.Second, 5 * time.Second}

// patience is how long a registry has been waited for, manifest by manifest, to find the blobs of it.
// Whoever sends blobs again puts the manifest again: that is no reason to wait for all of the time once
// more. The zero value has not waited.
type patience struct {
	mu     sync.Mutex
	waited map[string]time.Duration // by reference
}

// spend takes a pause from what is left of a bound, and returns how long it may be; 0 where nothing is left.
func (p *patience) spend(ref string, pause, bound time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waited == nil {
		p.waited = map[string]time.Duration{}
	}
	pause = max(0, min(pause, bound-p.waited[ref]))
	p.waited[ref] += pause
	return pause
}

// over notes that a manifest has been taken.
func (p *patience) over(ref string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waited, ref)
}

// doPatiently sends a manifest again where the registry does not know a blob of it yet. It does not count
// as an outage, whatever the status: a registry that has lost a blob says so until it is sent again.
func (c *Client) doPatiently(ctx context.Context, request transport.Request, pauses []time.Duration) (*transport.Response, error) {
	request.Enough = func(_ context.Context, cause error) bool { return errors.Is(cause, registry.ErrBlobUnknown) }
	retry := c.transport.NewRetry(request.Op + " " + request.Ref)
	for _, pause := range pauses {
		resp, err := c.transport.Do(ctx, request)
		if err == nil {
			c.patience.over(request.Ref)
		}
		var status *transport.StatusError
		if !errors.As(err, &status) || !errors.Is(status, registry.ErrBlobUnknown) {
			return resp, err
		}
		if pause = c.patience.spend(request.Ref, pause, c.transport.RetryTimeout()); pause == 0 {
			return nil, err
		}
		if err := retry.Pause(ctx, status, pause); err != nil {
			return nil, c.transport.Failure(request, err)
		}
	}
	return c.transport.Do(ctx, request)
}
