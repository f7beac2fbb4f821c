package progress

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Outages shows registries that fail for longer than a moment: on a terminal as long as that
// lasts, in a log with a line when it is noticed and one when it is over. Use WatchOutages.
type Outages struct {
	w       *Shared
	mode    Mode
	columns func() int
	display *Display
	start   sync.Once

	mu   sync.Mutex
	open []*shownOutage // in the order in which they began
}

// shownOutage is the outage of one registry: its latest event, since the first and until the last.
type shownOutage struct {
	registry.Outage
	// waited says that a request is being tried again, answered that others are answered
	// meanwhile, told that the outage has been shown.
	waited, answered, told bool
}

// noticed is how long an outage lasts before anybody has to hear of it.
const noticed = 2 * time.Second

// WatchOutages shows on w, in a mode, what Tell is told. Columns is as for Start. Stop has to be
// called before anything is concluded from what is on the screen.
func WatchOutages(w *Shared, mode Mode, columns func() int) *Outages {
	return &Outages{w: w, mode: mode, columns: columns, display: &Display{stop: make(chan struct{})}}
}

// watch looks at the clock from the first outage on.
func (o *Outages) watch() {
	if o.mode != None {
		o.display.every(lineInterval, o.show, func() { o.w.showTrouble("", false) })
	}
}

// Stop takes away what is shown. On a terminal a line stays of each outage that still lasts:
// somebody has ended the run who may want to know why it took so long.
func (o *Outages) Stop() {
	o.display.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, out := range o.open {
		if out.waited && out.told && o.mode == Bar {
			fmt.Fprintf(o.w, "%s %s has failed for %s: %s\n", out.Side, out.Host, time.Since(out.Since).Round(time.Second), out.Cause)
		}
	}
	o.open = nil
}

// Tell is told how it goes. It may be called from several goroutines at once.
func (o *Outages) Tell(event registry.Outage) {
	o.start.Do(o.watch)
	o.mu.Lock()
	defer o.mu.Unlock()
	at := slices.IndexFunc(o.open, func(out *shownOutage) bool { return out.Side == event.Side && out.Host == event.Host })
	switch {
	case event.State == registry.OutageLasts && at < 0:
		o.open = append(o.open, &shownOutage{Outage: event, waited: true})
	case at < 0:
	case event.State == registry.OutageLasts:
		o.open[at].goesOn(event)
	case event.State == registry.OutageGivenUp:
		o.open[at].waited = false // the error says it, and another request may still be waiting
	default:
		o.open[at].answered = true // perhaps not the request that waits
		o.close(time.Now())
	}
}

func (out *shownOutage) goesOn(event registry.Outage) {
	event.Since = out.Since
	event.Next = later(event.Next, out.Next)
	event.Until = later(event.Until, out.Until)
	out.Outage, out.waited, out.answered = event, true, false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// close ends the outages that are over: there was an answer, and nobody waits for another.
func (o *Outages) close(now time.Time) {
	o.open = slices.DeleteFunc(o.open, func(out *shownOutage) bool {
		over := out.answered && !now.Before(out.Next)
		if over && out.told {
			fmt.Fprintf(o.w, "%s %s answers again, after %s\n", out.Side, out.Host, now.Sub(out.Since).Round(time.Second))
		}
		return over
	})
}

// show brings what is shown up to date. A terminal has one line, for the outage that is the oldest.
func (o *Outages) show(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.close(now)
	line, whole := "", false
	for _, out := range o.open {
		if !out.waited || now.Sub(out.Since) < noticed {
			continue
		}
		if o.mode == Lines && !out.told {
			fmt.Fprintf(o.w, "%s %s fails, and is tried again for %s at most (--retry-timeout): %s\n",
				out.Side, out.Host, out.Until.Sub(out.Since).Round(time.Second), out.Cause)
		}
		out.told = true
		if line == "" {
			line, whole = clip(lasting(out.Outage, now), o.columns()-1), !out.answered
		}
	}
	if o.mode == Bar {
		o.w.showTrouble(line, whole)
	}
}

// lasting says how long, and how long still, before it says what: a narrow terminal has no room
// for all.
func lasting(out registry.Outage, now time.Time) string {
	passed := now.Sub(out.Since).Round(time.Second)
	left := max(0, out.Until.Sub(out.Since).Round(time.Second)-passed)
	return fmt.Sprintf("%s %s fails for %s, %s left at most: %s", out.Side, out.Host, passed, left, out.Cause)
}
