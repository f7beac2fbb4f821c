package transport

import "time"

// pace is how much of a body to hand over at once. That it has passed is known only when the
// next portion is asked for: one that is too large for a slow line would look like a stall.
// The zero value is ready.
type pace struct {
	portion int
	since   time.Time // the last portion was handed over
}

const (
	firstPortion = 32 << 10
	leastPortion = 4 << 10
	quickPortion = 20 * time.Millisecond
	slowPortion  = time.Second
)

// next is the size of the next portion, judged by how long the last one took.
func (p *pace) next() int {
	took := time.Since(p.since)
	switch {
	case p.portion == 0:
		p.portion = firstPortion
	case took < quickPortion:
		p.portion = min(2*p.portion, mostPortion)
	case took > slowPortion:
		p.portion = max(p.portion/2, leastPortion)
	}
	return p.portion
}

// handed notes that a portion is on its way.
func (p *pace) handed() { p.since = time.Now() }
