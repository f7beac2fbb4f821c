package progress

import "time"

// A log gets a line each tenSeconds, and one at each step of ten percent, but never two
// within shortest: a fast copy needs no more than its summary.
const (
	longest  = 10 * time.Second
	shortest = 2 * time.Second
	step     = 10
)

// lines decides when a log gets a line. Started is when the copy began.
type lines struct {
	last time.Time
	step int
}

// next returns the line that is due at s; empty means none is.
func (l *lines) next(s snapshot) string {
	since := s.at.Sub(l.last)
	stepped := s.percent()/step > l.step
	if since < shortest || !stepped && since < longest || s.percent() == 100 {
		return ""
	}
	l.last, l.step = s.at, s.percent()/step
	return s.line()
}
