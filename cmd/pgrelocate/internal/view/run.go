package view

import (
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// ofRun is in the results of runs that take long, or that jobs wait for.
type ofRun struct {
	// Run says which run of the program the result is of.
	Run *runView `json:"run,omitempty"`
}

// runView is a run of the program.
type runView struct {
	// Version is that of the program.
	Version string `json:"version"`
	// StartedAt is when the run began, in UTC, and DurationSeconds how long it took until the result
	// was written.
	StartedAt       time.Time `json:"startedAt"`
	DurationSeconds float64   `json:"durationSeconds"`
}

// Run is a result that says which run it is of.
type Run interface {
	// Of is the result with that said: the program's version, when the run began, how long it took.
	Of(version string, started time.Time, took time.Duration) output.View
}

func newOfRun(version string, started time.Time, took time.Duration) ofRun {
	return ofRun{&runView{version, started.UTC().Truncate(time.Millisecond), took.Round(time.Millisecond).Seconds()}}
}

// Of implements Run.
func (v Copy) Of(version string, started time.Time, took time.Duration) output.View {
	v.ofRun = newOfRun(version, started, took)
	return v
}

// Of implements Run.
func (v Saved) Of(version string, started time.Time, took time.Duration) output.View {
	v.ofRun = newOfRun(version, started, took)
	return v
}

// Of implements Run.
func (v Install) Of(version string, started time.Time, took time.Duration) output.View {
	v.ofRun = newOfRun(version, started, took)
	return v
}

// Of implements Run.
func (v Check) Of(version string, started time.Time, took time.Duration) output.View {
	v.ofRun = newOfRun(version, started, took)
	return v
}

// Of implements Run.
func (v Matrix) Of(version string, started time.Time, took time.Duration) output.View {
	v.ofRun = newOfRun(version, started, took)
	return v
}
