package transport

import (
	"context"
	"sync"
	"time"
)

// drought is the time that operations have spent failing since one of them last got anywhere, each
// moment once however many do. An outage ends with any answer; one that answers a little and then
// fails again would be waited for anew each time. The zero value is none.
type drought struct {
	mu    sync.Mutex
	total time.Duration
	until time.Time // what is counted already, or came before the last progress
}

// add counts a time, which may reach into the future, and returns what it comes to.
func (d *drought) add(from, to time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if from.Before(d.until) {
		from = d.until
	}
	if to.After(from) {
		d.total += to.Sub(from)
		d.until = to
	}
	return d.total
}

// over notes progress.
func (d *drought) over() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total, d.until = 0, time.Now()
}

// Done notes that an operation has come to what it was for, which is progress of the run.
func (r *Retry) Done() { r.client.drought.over() }

// Within is a context for requests that are a part of an operation: their answers are no progress by
// themselves, Done is. A registry that opens uploads and takes none would be waited for without end.
func (r *Retry) Within(ctx context.Context) context.Context {
	return context.WithValue(ctx, withinKey{}, true)
}

type withinKey struct{}

// concluded notes the answer to a request, if it is all that was wanted.
func (c *Client) concluded(ctx context.Context) {
	if ctx.Value(withinKey{}) == nil {
		c.drought.over()
	}
}
