package transport

import (
	"context"
	"sync"
	"time"
)

// gate caps the requests in flight to one registry. A busy registry lowers the cap;
// answers that follow raise it again, one step for every cap's worth of them.
//
// There is one gate for the source and one for the target. One shared by both would
// deadlock: an open download would hold the place that its own upload waits for.
type gate struct {
	mu      sync.Mutex
	most    int
	limit   int
	busy    int
	good    int
	lowered time.Time
	waiting []chan struct{}
}

func newGate(most int) *gate { return &gate{most: most, limit: most} }

// enter waits for a place. The returned function gives it back and may be called again.
func (g *gate) enter(ctx context.Context) (func(), error) {
	g.mu.Lock()
	if g.busy < g.limit && len(g.waiting) == 0 {
		g.busy++
		g.mu.Unlock()
		return g.leaver(), nil
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return g.leaver(), nil
	case <-ctx.Done():
		g.giveUp(turn)
		return nil, context.Cause(ctx)
	}
}

func (g *gate) leaver() func() {
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.busy--
		g.admit()
	})
}

// giveUp leaves the queue, or gives back the place that was granted in the meantime.
func (g *gate) giveUp(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, t := range g.waiting {
		if t == turn {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	g.busy--
	g.admit()
}

func (g *gate) admit() {
	for g.busy < g.limit && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.busy++
	}
}

// lower halves the cap, at most once a second: the requests that were in flight together
// are refused together. It returns the new cap, and whether that changed it.
func (g *gate) lower() (int, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.good = 0
	if g.limit == 1 || time.Since(g.lowered) < time.Second {
		return g.limit, false
	}
	g.lowered = time.Now()
	g.limit = max(1, g.limit/2)
	return g.limit, true
}

// answered counts a good answer towards raising the cap.
func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit == g.most {
		return
	}
	if g.good++; g.good >= g.limit {
		g.good = 0
		g.limit++
		g.admit()
	}
}
