package view

import (
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// OfRun is in the results of runs that take long, or that jobs wait for.
type OfRun struct {
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
	// Of is the result with that said.
	Of(run OfRun) output.View
}

// NewOfRun is of a run of the program of that version: when it began, and how long it took.
func NewOfRun(version string, started time.Time, took time.Duration) OfRun {
	return OfRun{&runView{version, started.UTC().Truncate(time.Millisecond), took.Round(time.Millisecond).Seconds()}}
}
