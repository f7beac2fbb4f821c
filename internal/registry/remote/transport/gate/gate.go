// Package gate holds back requests beyond what one registry bears at a time.
package gate

import (
	"context"
	"sync"
	"time"
)

// Gate caps the requests in flight to one registry. A busy registry lowers the cap;
// answers that follow raise it again, one step for every cap's worth of them.
//
// There is one gate for the source and one for the target. One shared by both would
// deadlock: an open download would hold the place that its own upload waits for.
type Gate struct {
	mu      sync.Mutex
	most    int
	limit   int
	busy    int
	good    int
	lowered time.Time
	waiting []chan struct{}
}

// New allows that many requests at once; it never becomes more than that, nor less than one.
func New(most int) *Gate { return &Gate{most: most, limit: most} }

// Enter waits for a place. The returned function gives it back and may be called again.
func (g *Gate) Enter(ctx context.Context) (func(), error) {
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

func (g *Gate) leaver() func() {
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.busy--
		g.admit()
	})
}

// giveUp leaves the queue, or gives back the place that was granted in the meantime.
func (g *Gate) giveUp(turn chan struct{}) {
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

func (g *Gate) admit() {
	for g.busy < g.limit && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.busy++
	}
}

// Lower halves the cap, at most once a second: the requests that were in flight together
// are refused together. It returns the new cap, and whether that changed it.
func (g *Gate) Lower() (int, bool) {
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

// Answered counts a good answer towards raising the cap.
func (g *Gate) Answered() {
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
