// Package finding says what somebody who looks for trouble has found: one value a probe, with what
// could be done about it. Run carries probes out side by side, each with a bound of its own.
//
//	found, err := finding.Run(ctx, 15*time.Second, probes)
package finding

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Status is how a probe ended. The words stand in results.
type Status string

// The ways in which a probe ends.
const (
	OK Status = "ok"
	// Warning: it works, or nobody can tell that it does not; it deserves a look.
	Warning Status = "warning"
	Failed  Status = "failed"
	// NotLookedAt: nothing is known; Says tells why.
	NotLookedAt Status = "not looked at"
)

// Remedy is what could be done, in a word for whoever puts it into the words of a program.
type Remedy string

// Finding is what one probe has found.
type Finding struct {
	// Probe is what was looked at, "certificate".
	Probe  string
	Status Status
	// Says is one line.
	Says string
	// Err is why it failed; nil where nothing did, or Says is all there is to say.
	Err error
	// Remedy is what could be done; empty where Err tells, or nothing needs to be.
	Remedy Remedy
	// About is what the remedy is for: repositories, namespaces.
	About []string
}

// Okf is a finding that is well.
func Okf(format string, args ...any) Finding {
	return Finding{Status: OK, Says: fmt.Sprintf(format, args...)}
}

// Warnf is a finding that deserves a look.
func Warnf(remedy Remedy, format string, args ...any) Finding {
	return Finding{Status: Warning, Says: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Failf is a finding of something that does not work.
func Failf(remedy Remedy, format string, args ...any) Finding {
	return Finding{Status: Failed, Says: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Failure is an error as a finding.
func Failure(err error) Finding { return Finding{Status: Failed, Says: err.Error(), Err: err} }

// Skipf is a finding of something that nobody has looked at.
func Skipf(format string, args ...any) Finding {
	return Finding{Status: NotLookedAt, Says: fmt.Sprintf(format, args...)}
}

// Probe is one thing to look at.
type Probe struct {
	// Name is what is looked at.
	Name string
	// Look looks. It obeys the context, which ends after the probe's time.
	Look func(ctx context.Context) Finding
}

// Run carries probes out at once, each for no longer than timeout, and returns what they found in
// their order. Its error is that of a context which ended.
func Run(ctx context.Context, timeout time.Duration, probes []Probe) ([]Finding, error) {
	found := make([]Finding, len(probes))
	var running sync.WaitGroup
	for i, probe := range probes {
		running.Add(1)
		go func() {
			defer running.Done()
			found[i] = probe.run(ctx, timeout)
		}()
	}
	running.Wait()
	if ctx.Err() != nil {
		return found, context.Cause(ctx)
	}
	return found, nil
}

// errSlow: a probe's time is over.
var errSlow = errors.New("no answer in time")

func (p Probe) run(ctx context.Context, timeout time.Duration) Finding {
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, errSlow)
	defer cancel()
	found := p.Look(bounded)
	found.Probe = p.Name
	if found.Status == Failed && ctx.Err() == nil && errors.Is(context.Cause(bounded), errSlow) {
		found.Says, found.Err = fmt.Sprintf("no answer within %s", timeout), nil
	}
	return found
}

// Worst is the worst status of all; OK of none. What was not looked at counts as well.
func Worst(found []Finding) Status {
	worst := OK
	for _, f := range found {
		switch {
		case f.Status == Failed:
			return Failed
		case f.Status == Warning:
			worst = Warning
		}
	}
	return worst
}
