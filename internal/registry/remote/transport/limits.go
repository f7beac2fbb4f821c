package transport

import (
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/gate"
)

// Limits bound what several clients of one registry do together: it does not care how many of
// them a program has. Use NewLimits. The two sides of a copy must not share one: an open
// download would hold the place that its own upload waits for.
type Limits struct {
	gate *gate.Gate
	rate *rate.Limiter // nil is unbounded
	// moved are the bytes of all requests, for a watchdog to tell a slow line from a slow server.
	moved atomic.Int64
}

// NewLimits allows that many requests at once, where 0 means DefaultJobs, and that many bytes a
// second, read and written together, where 0 is unbounded.
func NewLimits(jobs int, bytesPerSecond int64) *Limits {
	if jobs <= 0 {
		jobs = DefaultJobs
	}
	l := &Limits{gate: gate.New(jobs)}
	if bytesPerSecond > 0 {
		l.rate = rate.NewLimiter(rate.Limit(bytesPerSecond), int(max(bytesPerSecond/4, 64<<10)))
	}
	return l
}
