package transfer

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func TestQueueOrder(t *testing.T) {
	q := newQueue()
	var got []string
	note := func(name string) job { return func(context.Context) { got = append(got, name) } }
	q.addBlob(10<<20, note("large 1"))
	q.addBlob(10, note("small"))
	q.addBlob(5<<20, note("large 2"))
	q.addUrgent(func(context.Context) { got = append(got, "urgent"); q.addUrgent(note("what urgent led to")) })
	work(context.Background(), q, 1)
	want := []string{"urgent", "what urgent led to", "large 1", "large 2", "small"}
	if !slices.Equal(got, want) {
		t.Errorf("one worker did %q, want %q", got, want)
	}
}

// Some workers take small blobs first, so that these are not all left for the end.
func TestQueueSmallLane(t *testing.T) {
	q := newQueue()
	q.addBlob(10<<20, nil)
	small := false
	q.addBlob(10, func(context.Context) { small = true })
	q.next(context.Background(), true)(context.Background())
	if !small {
		t.Error("next(smallFirst) took a large blob")
	}
}

func TestWorkEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q := newQueue()
	var done atomic.Int64
	for range 100 {
		q.addUrgent(func(context.Context) {
			if done.Add(1) == 10 {
				cancel()
			}
		})
	}
	work(ctx, q, 4)
	if n := done.Load(); n < 10 || n > 14 {
		t.Errorf("%d jobs ran, want 10 and at most those under way", n)
	}
}

func TestWorkUsesAllWorkers(t *testing.T) {
	q := newQueue()
	var met sync.WaitGroup
	met.Add(3)
	for range 3 {
		q.addBlob(1<<30, func(context.Context) { met.Done(); met.Wait() })
	}
	work(context.Background(), q, 3) // blocks for ever with fewer at once
}
