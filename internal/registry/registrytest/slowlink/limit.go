package slowlink

import (
	"sync"
	"time"
)

// limiter reckons when bytes have passed a wire of a given rate. It never sleeps: who
// uses it does, and may oversleep without the wire losing time, for what was ready
// goes on from where the wire stood and not from now. Rate 0 lets all pass.
type limiter struct {
	rate int64

	mu   sync.Mutex
	free time.Time
}

// reserve takes the wire for n bytes that are ready at a given time and returns when
// the last of them has passed.
func (l *limiter) reserve(n int, ready time.Time) time.Time {
	if l.rate <= 0 {
		return ready
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = later(l.free, ready).Add(l.takes(n))
	return l.free
}

// heldUntil tells the wire that the n bytes it passed last were held up behind it until
// then: what it may have saved up meanwhile is one such chunk and no more.
func (l *limiter) heldUntil(n int, then time.Time) {
	if l.rate <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = later(l.free, then.Add(-l.takes(n)))
}

func (l *limiter) takes(n int) time.Duration {
	return time.Duration(float64(n) / float64(l.rate) * float64(time.Second))
}
