package gate

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestGateCaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(2)
		var leave []func()
		for range 2 {
			l, err := g.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
		entered := false
		go func() {
			l, err := g.Enter(t.Context())
			if err == nil {
				entered = true
				l()
			}
		}()
		synctest.Wait()
		if entered {
			t.Fatal("a third entered a gate for two")
		}
		leave[0]()
		leave[0]() // giving back twice gives back once
		synctest.Wait()
		if !entered {
			t.Error("nobody entered after a place was given back")
		}
		if g.busy != 1 {
			t.Errorf("busy = %d, want 1", g.busy)
		}
	})
}

func TestGateEndsWaitingWithTheContext(t *testing.T) {
	g := New(1)
	leave, err := g.Enter(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	if _, err := g.Enter(ctx); !errors.Is(err, reason) {
		t.Errorf("enter with an ended context = %v, want %v", err, reason)
	}
	leave()
	if _, err := g.Enter(context.Background()); err != nil || g.busy != 1 {
		t.Errorf("enter after that = %v with %d busy, want nil with 1", err, g.busy)
	}
}

func TestGateYieldsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(8)
		if limit, changed := g.Lower(); limit != 4 || !changed {
			t.Errorf("lower() = %d, %v, want 4, true", limit, changed)
		}
		if limit, changed := g.Lower(); limit != 4 || changed {
			t.Errorf("lower() at once = %d, %v, want 4, false: what is refused together counts once", limit, changed)
		}
		for range 5 {
			time.Sleep(2 * time.Second)
			g.Lower()
		}
		if g.limit != 1 {
			t.Errorf("limit = %d after many refusals, want 1", g.limit)
		}
		for range 1 + 2 + 3 + 4 + 5 + 6 + 7 {
			g.Answered()
		}
		if g.limit != 8 {
			t.Errorf("limit = %d after good answers, want 8 again", g.limit)
		}
	})
}
