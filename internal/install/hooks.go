package install

import "github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"

// Phase is how far a step has come.
type Phase string

// The phases of a step.
const (
	Started Phase = "started"
	Done    Phase = "done"
	// Skipped: there was nothing to do, or the options leave the step out.
	Skipped Phase = "skipped"
	Failed  Phase = "failed"
)

// StepEvent tells of one step of a run.
type StepEvent struct {
	// Index counts from 1 to Total.
	Index, Total int
	Name         string
	Phase        Phase
	// Detail is what came of it, one line; empty while it is under way.
	Detail string
}

// Warning is what a user should know although the run goes on.
type Warning struct {
	Text string
	// Err is the cause, where something can be done about it: cluster.ErrNotOurs,
	// ErrMayPush or ErrChartsSecret.
	Err error
}

// Hooks are told how a run goes, from one goroutine at a time. The zero value tells nobody.
type Hooks struct {
	Step func(StepEvent)
	Warn func(Warning)
	// Waiting receives, when it changes, what is not ready and why.
	Waiting func([]readiness.Pending)
}

func (h Hooks) step(e StepEvent) {
	if h.Step != nil {
		h.Step(e)
	}
}

func (h Hooks) warn(text string) { h.warnOf(text, nil) }

func (h Hooks) warnOf(text string, err error) {
	if h.Warn != nil {
		h.Warn(Warning{Text: text, Err: err})
	}
}

func (h Hooks) waiting(pending []readiness.Pending) {
	if h.Waiting != nil {
		h.Waiting(pending)
	}
}
