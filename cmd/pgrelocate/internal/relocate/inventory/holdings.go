package inventory

import (
	"context"
	"fmt"
	"os"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Holdings are what the private registry holds of the selection, as it says itself.
type Holdings struct {
	*lock.Lock
	// Selected is how many artifacts were looked for.
	Selected int
	// Failures is an *exit.VerificationError where the registry names what it does not have; nil otherwise.
	Failures error
}

// LostError says that a registry names what it does not have.
type LostError struct {
	Registry ref.Folder
	// Lost is how much of it there is: blobs, manifests, attachments.
	Lost int
}

// Error counts.
func (e *LostError) Error() string {
	if e.Lost == 1 {
		return fmt.Sprintf("%s is damaged: something that its tags or manifests name is gone, and left out", e.Registry)
	}
	return fmt.Sprintf("%s is damaged: %d things that its tags or manifests name are gone, and left out", e.Registry, e.Lost)
}

// Receipt asks the private registry what it holds of the selection, of every known release
// where none is named.
func Receipt(ctx context.Context, s *relocate.Session) (*Holdings, error) {
	if len(s.Config.Releases) == 0 {
		product, err := s.Product()
		if err != nil {
			return nil, err
		}
		for _, release := range product.Releases {
			s.Config.Releases = append(s.Config.Releases, release.Name)
		}
	}
	return askHoldings(ctx, s)
}

// ClaimLock finds out before a copy whether its lock can be written, where one is wanted.
func ClaimLock(name string, overwrite bool) error {
	if name == "" {
		return nil
	}
	if err := files.CheckWritable(name, overwrite || isLock(name)); err != nil {
		return exit.Misnamed(fmt.Errorf("writing the lock: %w", err))
	}
	return nil
}

// WriteLockOf writes what the private registry holds of artifacts that no catalogue has selected
// into a file, where one is named.
func WriteLockOf(ctx context.Context, s *relocate.Session, artifacts []versions.Artifact, name string, overwrite bool) error {
	if name == "" {
		return nil
	}
	held, err := holdingsOf(ctx, s, artifacts)
	return writeLock(held, err, name, overwrite)
}

func writeLock(held *Holdings, err error, name string, overwrite bool) error {
	if err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if err := files.WriteBy(name, 0o644, overwrite || isLock(name), held.Write); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}

// isLock tells whether a file is a lock, which a copy brings up to date; any other may be all
// that somebody has of something.
func isLock(name string) bool {
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() || info.Size() > lock.MaxSize {
		return false
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	_, err = lock.Parse(body)
	return err == nil
}

// askHoldings asks the private registry for the selection.
func askHoldings(ctx context.Context, s *relocate.Session) (*Holdings, error) {
	artifacts, err := s.Artifacts(s.Config.Registry)
	if err != nil {
		return nil, err
	}
	private, err := s.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	if artifacts, err = s.WithChartImages(ctx, artifacts, s.Config.Registry, relocate.AtTarget(private)); err != nil {
		return nil, err
	}
	return holdingsOf(ctx, s, artifacts)
}

// holdingsOf asks the private registry, and warns of what it says that cannot be.
func holdingsOf(ctx context.Context, s *relocate.Session, artifacts []versions.Artifact) (*Holdings, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	private, err := s.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	private.Prepare(relocate.Repositories(artifacts))
	how := lock.Recording{Catalogue: catalogue, Path: s.Config.Registry.Path}
	if s.Config.Index != plan.IndexWhole {
		how.Platforms = s.Config.Platforms
	}
	held, lost, warnings, err := lock.Receipt(ctx, private, artifacts, how)
	s.Warn(warnings...)
	holdings := &Holdings{Lock: held, Selected: len(artifacts)}
	if lost > 0 {
		holdings.Failures = &exit.VerificationError{Err: &LostError{Registry: s.Config.Registry, Lost: lost}}
	}
	return holdings, err
}
