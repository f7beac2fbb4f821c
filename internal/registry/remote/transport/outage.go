package transport

import (
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// outage is the time in which nothing has been heard from a registry. The zero value is none.
type outage struct {
	mu          sync.Mutex
	since, last time.Time
}

// began notes a failure, and returns when the first since the last answer was. One that comes
// after nothing was tried for long is the first of its own.
func (o *outage) began(long time.Duration) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() || time.Since(o.last) > long {
		o.since = time.Now()
	}
	o.last = time.Now()
	return o.since
}

// over notes an answer, and returns since when there was none; zero where nothing had failed.
func (o *outage) over() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	since := o.since
	o.since = time.Time{}
	return since
}

// tell tells what has become of an outage.
func (c *Client) tell(state registry.OutageState, out registry.Outage) {
	out.Side, out.Host, out.State, out.Cause = c.opts.Side, c.host, state, c.Printable(out.Cause)
	c.opts.Outage(out)
}

// recovered notes an answer, and tells about it where one was waited for.
func (c *Client) recovered() {
	if since := c.outage.over(); !since.IsZero() {
		c.tell(registry.OutageOver, registry.Outage{Since: since})
	}
}
