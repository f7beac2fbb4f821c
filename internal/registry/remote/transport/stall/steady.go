package stall

import (
	"fmt"
	"io"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// slowest is how many bytes a second a body has to bring that is read whole, after the patience with
// it: one that drips never stalls.
const slowest = 4 << 10

// Steady returns a reader of a body under watch that fails with registry.ErrStalled where the body is
// too slow to be read whole.
func (w *Watchdog) Steady(body io.Reader, patience time.Duration) io.Reader {
	return &steady{Reader: body, watch: w, before: w.Spent(), patience: patience}
}

// steady fails where its reader is too slow.
type steady struct {
	io.Reader
	watch    *Watchdog
	before   time.Duration // what had been waited
	patience time.Duration
	n        int64
}

func (s *steady) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.n += int64(n)
	waited, allowed := s.watch.Spent()-s.before, s.patience+time.Duration(s.n)*time.Second/slowest
	if err == nil && waited > allowed {
		err = fmt.Errorf("%w: only %d bytes in %s", registry.ErrStalled, s.n, waited.Round(time.Millisecond))
	}
	return n, err
}
