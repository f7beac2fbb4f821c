package install

import (
	"context"
	"errors"
)

// step does one thing and says in a line what came of it; errSkip means there was nothing
// to do.
type step struct {
	name string
	do   func(context.Context) (string, error)
}

var errSkip = errors.New("skipped")

// runSteps does one step after the other, and returns the name of the one that failed.
func runSteps(ctx context.Context, steps []step, hooks Hooks) (failed string, err error) {
	for n, step := range steps {
		event := StepEvent{Index: n + 1, Total: len(steps), Name: step.name, Phase: Started}
		hooks.step(event)
		err := context.Cause(ctx)
		if err == nil {
			event.Detail, err = step.do(ctx)
		}
		switch {
		case errors.Is(err, errSkip):
			event.Phase = Skipped
		case err != nil:
			event.Phase = Failed
			hooks.step(event)
			return step.name, err
		default:
			event.Phase = Done
		}
		hooks.step(event)
	}
	return "", nil
}
