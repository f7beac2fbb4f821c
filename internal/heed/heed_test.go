package heed

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errStopped = errors.New("stopped")

// stopped is a context that has ended.
func stopped(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	return ctx
}

func TestCall(t *testing.T) {
	if got, err := Call(t.Context(), func() (string, error) { return "typed", nil }); got != "typed" || err != nil {
		t.Errorf("Call(typed) = %q, %v, want what was typed", got, err)
	}
	never := make(chan struct{})
	defer close(never)
	if _, err := Call(stopped(t), func() (string, error) { <-never; return "", nil }); !errors.Is(err, errStopped) {
		t.Errorf("Call(nothing) = %v, want %v", err, errStopped)
	}
}

// What comes late is handed on, so that it can be closed; a failure is nobody's any more.
func TestCallLate(t *testing.T) {
	for _, failure := range []error{nil, errors.New("no such answer")} {
		synctest.Test(t, func(t *testing.T) {
			goOn, handed := make(chan struct{}), ""
			_, err := CallLate(stopped(t), func() (string, error) { <-goOn; return "answer", failure }, func(late string) { handed = late })
			if !errors.Is(err, errStopped) {
				t.Errorf("CallLate = %v, want %v", err, errStopped)
			}
			close(goOn)
			synctest.Wait()
			if want := map[bool]string{true: "answer"}[failure == nil]; handed != want {
				t.Errorf("with %v, %q was handed on, want %q", failure, handed, want)
			}
		})
	}
}

func TestOutlasting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grace = time.Minute
		run, end := context.WithCancelCause(t.Context())
		going, done := Outlasting(context.WithoutCancel(run), run, grace)
		defer done()
		began := time.Now()
		end(errStopped)
		<-going.Done()
		if lasted := time.Since(began); lasted != grace || !errors.Is(context.Cause(going), errStopped) {
			t.Errorf("it ended %s after its run, with %v; want %s, %v", lasted, context.Cause(going), grace, errStopped)
		}

		other, finish := Outlasting(t.Context(), run, grace)
		finish()
		if other.Err() == nil {
			t.Error("it goes on after it was ended")
		}
	})
}
