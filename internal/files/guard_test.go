package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// One run at a time is behind the guard, and nothing is left of it.
func TestGuard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgrelocate.lock")
	var inside, done atomic.Int32 // the race detector knows nothing of the locks of files
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			release, err := Guard(t.Context(), path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			if now := inside.Add(1); now != 1 {
				t.Errorf("%d are inside", now)
			}
			runtime.Gosched()
			inside.Add(-1)
			done.Add(1)
		})
	}
	all.Wait()
	if entries, _ := os.ReadDir(filepath.Dir(path)); done.Load() != 8 || len(entries) != 0 {
		t.Errorf("%d came through and %d files are left, want 8 and none", done.Load(), len(entries))
	}
}

// Who waits is told so, and stops with the context.
func TestGuardWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgrelocate.lock")
	release, err := Guard(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	if _, err := Guard(ctx, path, func() { cancel(stopped) }); !errors.Is(err, stopped) {
		t.Errorf("Guard() = %v, want %v", err, stopped)
	}
	if _, err := Guard(t.Context(), filepath.Join(path, "nowhere", "x"), nil); err == nil {
		t.Error("Guard(a file for a folder) = nil, want an error")
	}
}
