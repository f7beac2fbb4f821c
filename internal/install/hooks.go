package install

// State is how far a step has come.
type State string

// The states of a step.
const (
	Started State = "started"
	Done    State = "done"
	// Skipped: there was nothing to do, or the options leave the step out.
	Skipped State = "skipped"
	Failed  State = "failed"
)

// StepEvent tells of one step of a run.
type StepEvent struct {
	// Index counts from 1 to Total.
	Index, Total int
	Name         string
	State        State
	// Detail is what came of it, one line; empty while it is under way.
	Detail string
}

// Hooks are told how a run goes, from one goroutine at a time. The zero value tells nobody.
type Hooks struct {
	Step func(StepEvent)
	// Warn receives what a user should know although the run goes on.
	Warn func(string)
	// Waiting receives, when it changes, what is not ready and why.
	Waiting func([]Pending)
}

func (h Hooks) step(e StepEvent) {
	if h.Step != nil {
		h.Step(e)
	}
}

func (h Hooks) warn(text string) {
	if h.Warn != nil {
		h.Warn(text)
	}
}

func (h Hooks) waiting(pending []Pending) {
	if h.Waiting != nil {
		h.Waiting(pending)
	}
}
