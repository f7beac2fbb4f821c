package inventory

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// DiffersError says that the private registry does not hold what a bundle does.
type DiffersError struct{ Differences []lock.Difference }

// Error says so; what differs is for Differences.
func (e *DiffersError) Error() string { return "the registry does not hold what the bundle does" }

// Agree wants the private registry to hold every artifact as a bundle has it. What differs is
// a verification that failed with a *DiffersError.
func Agree(ctx context.Context, s *relocate.Session, b *bundle.Bundle) error {
	private, err := s.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	differences, err := b.Lock().Compare(ctx, private, s.Config.Registry)
	switch {
	case err != nil:
		return err
	case len(differences) > 0:
		return &exit.VerificationError{Err: &DiffersError{differences}}
	}
	s.Note("%s holds what the bundle does: %s", s.Config.Registry, output.Count(len(b.Lock().Artifacts), "artifact"))
	return nil
}

// ChartIn is the chart of the one release in a bundle, or of the release that is named. A
// delta may leave it out: then it comes from the private registry, which holds it.
func ChartIn(ctx context.Context, s *relocate.Session, b *bundle.Bundle) (*chart.Chart, error) {
	at, err := chartAt(s, b.Lock())
	if err != nil {
		return nil, err
	}
	locked := b.Lock().Artifacts[at]
	found, err := chart.Fetch(ctx, b, locked.Target.Repository, locked.Digest.String())
	if errors.Is(err, registry.ErrNotFound) && b.Lock().Omits() {
		private, err := s.Clients.Target(ctx, false)
		if err != nil {
			return nil, err
		}
		there := b.Lock().ArtifactsFor(s.Config.Registry)[at].Target
		return chart.Fetch(ctx, private, there.Repository, locked.Digest.String())
	}
	if err != nil {
		return nil, relocate.Corrupt(fmt.Errorf("in the bundle: %w", err))
	}
	return found, nil
}

// ChartsError says that a bundle has not exactly one chart that could be meant.
type ChartsError struct {
	// Release is the one that was named; empty for any.
	Release string
	Found   int
}

// Error counts the charts.
func (e *ChartsError) Error() string {
	of := ""
	if e.Release != "" {
		of = " of release " + e.Release
	}
	if e.Found == 0 {
		return "the bundle holds no chart" + of
	}
	return fmt.Sprintf("the bundle holds %d charts%s", e.Found, of)
}

// chartAt finds the artifact of a lock that chartIn means.
func chartAt(s *relocate.Session, l *lock.Lock) (int, error) {
	release := ""
	if len(s.Config.Releases) == 1 {
		release = s.Config.Releases[0]
	}
	var found []int
	for i, a := range l.Artifacts {
		if a.Role == versions.RoleChart && a.Name == "" && (release == "" || a.Release == release) {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		return 0, &exit.UsageError{Err: &ChartsError{Release: release, Found: len(found)}}
	}
	return found[0], nil
}
