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

// What counts is how much comes in the time that is spent waiting for it.
func TestWatchdog(t *testing.T) {
	const (
		patience = 30 * time.Second
		second   = 1100 * time.Millisecond // never at the moment at which the patience ends
	)
	tests := []struct {
		name   string
		piece  int64         // what comes
		every  time.Duration // after so long
		busy   time.Duration // that we take then before we want more
		others int64         // what other requests move meanwhile
		ends   string        // empty where it goes on
	}{
		{"silence", 0, time.Hour, 0, 0, "the connection stalled"},
		{"silence while others move", 0, time.Hour, 0, 1 << 20, "the connection stalled"},
		{"a byte a second", 1, second, 0, 0, "the connection stalled: only 27 bytes in 30s"},
		{"a byte a second while others move", 1, second, 0, 1 << 20, "only 27 bytes in 30s"},
		{"half a KiB a second", 512, second, 0, 0, "only 13824 bytes in 30s"},
		{"a share of a slow line", 512, second, 0, 1 << 10, ""},
		{"a slow line", 1200, second, 0, 0, ""},
		{"much, and seldom", 40 << 10, 29 * time.Second, 0, 0, ""},
		{"we are slow", 64, 10 * time.Millisecond, time.Minute, 0, ""},
		{"both are slow", 64, second, time.Minute, 0, "only 1728 bytes in 30s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all atomic.Int64
				ctx, dog := Watch(t.Context(), patience, Bytes(patience), &all)
				defer dog.End()
				for range 500 {
					dog.Wait()
					select {
					case <-time.After(tt.every):
					case <-ctx.Done():
					}
					if ctx.Err() != nil {
						break
					}
					dog.Got(tt.piece)
					all.Add(tt.others)
					time.Sleep(tt.busy)
				}
				ended := context.Cause(ctx)
				if tt.ends == "" && ended != nil || tt.ends != "" && (!errors.Is(ended, registry.ErrStalled) || !strings.Contains(ended.Error(), tt.ends)) {
					t.Errorf("it ended with %v, want %q", ended, tt.ends)
				}
			})
		})
	}
}

// Whoever gives a line longer asks for no more of it.
func TestBytes(t *testing.T) {
	tests := map[time.Duration]int64{
		time.Nanosecond: 1, time.Second: 1 << 10, 30 * time.Second: 30 << 10, 5 * time.Minute: 30 << 10,
	}
	for within, want := range tests {
		if got := Bytes(within); got != want {
			t.Errorf("Bytes(%s) = %d, want %d", within, got, want)
		}
	}
}
