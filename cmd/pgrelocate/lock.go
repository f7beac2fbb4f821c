package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// writeLock writes what the private registry holds of the selection, as the registry
// itself says, into a file.
func writeLock(ctx context.Context, a *app, cfg *config.Config, name string) error {
	lock, _, err := a.held(ctx, cfg)
	if err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if err := os.WriteFile(name, lock.Marshal(), 0o644); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}

// held asks the private registry what it has of the selection, which is that many
// artifacts, and warns of what it says that cannot be.
func (a *app) held(ctx context.Context, cfg *config.Config) (*lock.Lock, int, error) {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return nil, 0, err
	}
	artifacts, err := a.artifacts(cfg)
	if err != nil {
		return nil, 0, err
	}
	ends := a.registries(cfg)
	defer ends.close()
	private, err := ends.openTarget(ctx, false)
	if err != nil {
		return nil, 0, err
	}
	private.Prepare(repositories(artifacts))
	lock, warnings, err := lock.Receipt(ctx, private, artifacts, catalogue)
	for _, warning := range warnings {
		a.warn("%s", warning)
	}
	return lock, len(artifacts), err
}
