package relocate

import (
	"context"
	"fmt"
	"os"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Holdings are what the private registry holds of the selection, as it says itself.
type Holdings struct {
	*lock.Lock
	// Selected is how many artifacts were looked for.
	Selected int
}

// Receipt asks the private registry what it holds of the selection, of every known release
// where none is named.
func (s *Session) Receipt(ctx context.Context) (*Holdings, error) {
	if len(s.cfg.Releases) == 0 {
		product, err := s.Product()
		if err != nil {
			return nil, err
		}
		for _, release := range product.Releases {
			s.cfg.Releases = append(s.cfg.Releases, release.Name)
		}
	}
	return s.holdings(ctx)
}

// claimLock finds out before a copy whether its lock can be written, where one is wanted.
func claimLock(opts CopyOptions) error {
	if opts.Lock == "" {
		return nil
	}
	if err := files.CheckWritable(opts.Lock, opts.Overwrite || isLock(opts.Lock)); err != nil {
		return exit.Misnamed(fmt.Errorf("writing the lock: %w", err))
	}
	return nil
}

// writeLock writes what the private registry holds of the selection into a file, where one is
// named.
func (s *Session) writeLock(ctx context.Context, opts CopyOptions) error {
	if opts.Lock == "" {
		return nil
	}
	held, err := s.holdings(ctx)
	if err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if err := files.Write(opts.Lock, held.Marshal(), 0o644, opts.Overwrite || isLock(opts.Lock)); err != nil {
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

// holdings asks the private registry, and warns of what it says that cannot be.
func (s *Session) holdings(ctx context.Context) (*Holdings, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	artifacts, err := s.artifacts(s.cfg.Registry)
	if err != nil {
		return nil, err
	}
	private, err := s.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	if artifacts, err = s.withChartImages(ctx, artifacts, s.cfg.Registry, atTarget(private)); err != nil {
		return nil, err
	}
	private.Prepare(repositories(artifacts))
	held, warnings, err := lock.Receipt(ctx, private, artifacts, catalogue)
	s.warn(warnings...)
	return &Holdings{Lock: held, Selected: len(artifacts)}, err
}

func repositories(artifacts []versions.Artifact) []string {
	all := make([]string, len(artifacts))
	for i, artifact := range artifacts {
		all[i] = artifact.Target.Repository
	}
	return all
}
