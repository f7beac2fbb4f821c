package helm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Helm that does not end is left, and that says so.
func TestWatchedLeavesHelm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		cancel(stopped)
		ended := make(chan struct{})
		_, err := watched(ctx, func() (*helmrelease.Release, error) {
			<-ended
			return nil, nil
		}, time.Minute)
		close(ended)
		if !errors.Is(err, stopped) || !errors.Is(err, ErrAtWork) {
			t.Errorf("watched() = %v, want %v, and %v", err, stopped, ErrAtWork)
		}
	})
}
