package progress

import (
	"fmt"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Display shows a meter until it is stopped. Use Start.
type Display struct {
	stop    chan struct{}
	stopped sync.WaitGroup
	once    sync.Once
}

// How often a display looks at its meter.
const (
	barInterval  = 100 * time.Millisecond
	lineInterval = 500 * time.Millisecond
)

// Start begins to show meter on w in a mode. Columns tells how wide the terminal is at
// the moment. Stop has to be called before anything is concluded from what is on the screen.
func Start(w *Shared, mode Mode, meter *registry.Meter, columns func() int) *Display {
	return start(w, mode, &reader{meters: only(meter)}, columns)
}

func start(w *Shared, mode Mode, r *reader, columns func() int) *Display {
	d := &Display{stop: make(chan struct{})}
	switch mode {
	case Bar:
		picture := &bar{}
		d.every(barInterval, func(now time.Time) { w.show(picture.line(r.read(now), columns())) }, func() { w.show("") })
	case Lines:
		due := &lines{last: time.Now()}
		d.every(lineInterval, func(now time.Time) {
			if line := due.next(r.read(now)); line != "" {
				fmt.Fprintln(w, line)
			}
		}, func() {})
	}
	return d
}

// every calls tick at an interval, and last once at the end.
func (d *Display) every(interval time.Duration, tick func(time.Time), last func()) {
	d.stopped.Go(func() {
		defer last()
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				tick(now)
			case <-d.stop:
				return
			}
		}
	})
}

// Stop takes the display away. It may be called more than once.
func (d *Display) Stop() {
	d.once.Do(func() { close(d.stop) })
	d.stopped.Wait()
}

// only is one meter.
func only(meter *registry.Meter) func() []*registry.Meter {
	return func() []*registry.Meter { return []*registry.Meter{meter} }
}
