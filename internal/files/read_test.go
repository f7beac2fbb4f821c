package files

import (
	"context"
	"errors"
	"testing"
)

func TestAwait(t *testing.T) {
	if got, err := Await(t.Context(), func() (string, error) { return "typed", nil }); got != "typed" || err != nil {
		t.Errorf("Await(typed) = %q, %v, want what was typed", got, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	never := make(chan struct{})
	defer close(never)
	if _, err := Await(ctx, func() (string, error) { <-never; return "", nil }); !errors.Is(err, stopped) {
		t.Errorf("Await(nothing) = %v, want %v", err, stopped)
	}
}
