package helm

import (
	"context"
	"errors"
	"fmt"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/pgrelocate/pgrelocate/internal/heed"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// graceAfterCancel is how long helm may take to record that it was interrupted, before we
// leave and say that it may still be at work.
const graceAfterCancel = 30 * time.Second

// ErrAtWork is what errors.Is finds where helm was left before it had ended.
var ErrAtWork = errors.New("it may still be at work")

// watched runs one of helm's actions to its end. Helm's client fails once the context has
// ended, which is what stops the action; grace is how long that may take.
func watched(ctx context.Context, run func() (*helmrelease.Release, error), grace time.Duration) (*helmrelease.Release, error) {
	going, done := heed.Outlasting(context.WithoutCancel(ctx), ctx, grace)
	defer done()
	release, err := heed.Call(going, run)
	switch {
	case err == nil || ctx.Err() == nil:
		return release, err
	case going.Err() != nil:
		return nil, fmt.Errorf("%w, and helm had not ended %s later: %w", context.Cause(ctx), grace, ErrAtWork)
	}
	return release, cluster.Wrap(context.Cause(ctx), err)
}
