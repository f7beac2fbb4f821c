package transfer

import (
	"sync"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// traffic counts the bytes of a run's blobs.
type traffic struct {
	fetched atomic.Int64 // read from sources, again after a break too
	sent    atomic.Int64 // handed to the target, again after a break too
}

// gauge tells a meter how far one blob has got. Whoever reads it, and however often, each
// byte counts once.
type gauge struct {
	meter *registry.Meter

	mu sync.Mutex
	at int64
}

// reach notes that the first n bytes have passed; a nil gauge does not care.
func (g *gauge) reach(n int64) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if n > g.at {
		g.meter.BytesDone.Add(n - g.at)
		g.at = n
	}
}
