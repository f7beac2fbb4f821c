// Package heed lets a context be heeded where what is called takes none: Call stops waiting when it
// has ended, and Outlasting gives what is under way then a while to come to its end.
package heed

import (
	"context"
	"time"
)

// Call returns what f comes to or, where ctx ends first, the cause of that; f is left to itself then.
func Call[T any](ctx context.Context, f func() (T, error)) (T, error) {
	return CallLate(ctx, f, nil)
}

// CallLate is a Call that gives to late what f still comes to after it was left to itself, but not its
// failure; a nil late drops that.
func CallLate[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	ended := make(chan outcome, 1)
	go func() {
		value, err := f()
		ended <- outcome{value, err}
	}()
	select {
	case o := <-ended:
		return o.value, o.err
	case <-ctx.Done():
	}
	if late != nil {
		go func() {
			if o := <-ended; o.err == nil {
				late(o.value)
			}
		}()
	}
	var none T
	return none, context.Cause(ctx)
}

// Outlasting is ctx, which also ends, with its cause, when run has ended for as long as grace. The
// returned function ends it at once. What is to outlast run itself stands on context.WithoutCancel(run).
func Outlasting(ctx, run context.Context, grace time.Duration) (context.Context, func()) {
	going, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(run, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(run)) })
	})
	return going, func() { stop(); cancel(nil) }
}
