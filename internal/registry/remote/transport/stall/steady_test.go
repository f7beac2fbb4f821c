package stall

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// dripping is a body under watch that brings a byte at a time.
type dripping struct {
	watch *Watchdog
	every time.Duration
}

func (d dripping) Read(p []byte) (int, error) {
	d.watch.Wait()
	time.Sleep(d.every)
	d.watch.Got(1)
	return copy(p, "x"), nil
}

// A body that is read whole has to get on, though it never stands still; what its reader does
// meanwhile does not count.
func TestSteady(t *testing.T) {
	tests := []struct {
		name        string
		every, busy time.Duration
		ends        string // empty where it goes on
	}{
		{"drips", time.Second, 0, "the connection stalled: only 61 bytes in 1m1s"},
		{"gets on", time.Second / slowest, 0, ""},
		{"we are slow", time.Second / slowest, time.Hour, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, dog := Watch(t.Context(), time.Minute, 1, new(atomic.Int64))
				defer dog.End()
				steady := dog.Steady(dripping{dog, tt.every}, time.Minute)
				var err error
				for range 10_000 {
					if _, err = steady.Read(make([]byte, 1)); err != nil {
						break
					}
					time.Sleep(tt.busy)
				}
				if tt.ends == "" && err != nil || tt.ends != "" && (!errors.Is(err, registry.ErrStalled) || !strings.Contains(err.Error(), tt.ends)) {
					t.Errorf("reading ended with %v, want %q", err, tt.ends)
				}
				if ctx.Err() != nil {
					t.Errorf("the watchdog ended it with %v, for which it came too often", context.Cause(ctx))
				}
			})
		})
	}
}
