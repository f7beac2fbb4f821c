package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// host stands in for a test: registrytest, which starts the registries, wants one. What
// would end the test ends the part of the run by a panic that recovered catches.
type host struct {
	testing.TB // for the method that nobody else can write; never called

	ctx     context.Context
	started time.Time

	mu       sync.Mutex
	cleanups []func()
}

func newHost(ctx context.Context) *host { return &host{ctx: ctx, started: time.Now()} }

type giveUp struct{ err error }

func (h *host) recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case giveUp:
		*err = p.err
	default:
		panic(p)
	}
}

// close undoes everything, the last first.
func (h *host) close() { h.unwindTo(0) }

// scoped runs f and undoes at its end what f has set up.
func (h *host) scoped(f func()) {
	h.mu.Lock()
	mark := len(h.cleanups)
	h.mu.Unlock()
	defer h.unwindTo(mark)
	f()
}

func (h *host) unwindTo(mark int) {
	for {
		h.mu.Lock()
		if len(h.cleanups) <= mark {
			h.mu.Unlock()
			return
		}
		last := h.cleanups[len(h.cleanups)-1]
		h.cleanups = h.cleanups[:len(h.cleanups)-1]
		h.mu.Unlock()
		last()
	}
}

// check ends the run where there is an error.
func (h *host) check(err error) {
	if err != nil {
		panic(giveUp{err})
	}
}

// The methods of testing.TB that registrytest uses.

func (h *host) Helper()                  {}
func (h *host) Name() string             { return "bench" }
func (h *host) Failed() bool             { return false }
func (h *host) Context() context.Context { return h.ctx }

// Cleanup runs f at the end of the scope.
func (h *host) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}

// TempDir is a folder that is gone at the end of the scope.
func (h *host) TempDir() string {
	dir, err := os.MkdirTemp(scratch(), "pgrelocate-bench-*")
	h.check(err)
	h.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Logf tells what goes on, on stderr.
func (h *host) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(h.started).Seconds(), fmt.Sprintf(format, args...))
}

func (h *host) Errorf(format string, args ...any) { panic(giveUp{fmt.Errorf(format, args...)}) }
func (h *host) Fatalf(format string, args ...any) { panic(giveUp{fmt.Errorf(format, args...)}) }
func (h *host) Skipf(format string, args ...any)  { panic(giveUp{fmt.Errorf(format, args...)}) }
func (h *host) Fatal(args ...any)                 { panic(giveUp{errors.New(fmt.Sprint(args...))}) }

// scratch is a folder in memory where the system has one with room: what a disk does is
// not to be measured.
func scratch() string {
	const memory = "/dev/shm"
	if free, err := freeBytes(memory); err == nil && free > 6<<30 {
		return memory
	}
	return ""
}
