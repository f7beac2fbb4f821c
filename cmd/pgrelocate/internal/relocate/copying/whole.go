package copying

import (
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// wholeWhereRefused copies indexes whole that a registry has not taken without all of their
// images. How many bytes that is beyond what was asked for is told.
func (c *Copying) wholeWhereRefused(ctx context.Context, report *transfer.Tally) error {
	var refused []versions.Artifact
	for i, result := range report.Results {
		if !result.Sparse || !isRefusal(result.Err) {
			continue
		}
		if refused = append(refused, result.Artifact.Artifact); c.staysSparse() {
			report.Results[i].Err = &RefusedSparseError{Host: c.Config.Registry.Host, Bundled: len(c.Left) > 0, Err: result.Err}
		}
	}
	if len(refused) == 0 || c.staysSparse() {
		return nil
	}
	opts := c.planOptions()
	opts.Index = plan.IndexWhole
	whole, err := plan.New(ctx, c.Sides, refused, opts)
	if err != nil {
		return err
	}
	c.Warn(c.Config.Registry.Host + " takes no index without all of its images: " + output.Count(len(refused), "artifact") +
		" copied whole, " + output.Bytes(whole.BytesToMove) + " more")
	c.more = whole.BytesToMove
	second, err := transfer.Copy(ctx, c.Sides, whole, c.how)
	if second != nil {
		report.Again(second)
	}
	return err
}

// staysSparse tells whether indexes are not copied whole where a registry refuses them without all of
// their images: that was asked for in so many words, or the bundle that they come from has no more.
func (c *Copying) staysSparse() bool { return c.Config.Index == plan.IndexSparse || len(c.Left) > 0 }

// RefusedSparseError says that a registry has not taken an index without all of its images, and that
// it gets no other.
type RefusedSparseError struct {
	Host string
	// Bundled says that the index comes from a bundle that does not have the other images.
	Bundled bool
	Err     error
}

// Error is what the registry said.
func (e *RefusedSparseError) Error() string { return e.Err.Error() }

// Unwrap returns what the registry said.
func (e *RefusedSparseError) Unwrap() error { return e.Err }

// isRefusal tells whether a registry has refused what was sent, as opposed to who sent it or
// to a bad moment.
func isRefusal(err error) bool {
	if err == nil {
		return false
	}
	for _, other := range []error{
		registry.ErrUnauthorized, registry.ErrForbidden, registry.ErrUnreachable, registry.ErrUnavailable,
		registry.ErrConflict, registry.ErrQuota, context.Canceled,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}
