package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
)

// writeLock writes what the private registry holds of the selection, as the registry
// itself says, into a file.
func writeLock(ctx context.Context, a *app, cfg *config.Config, name string) error {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return err
	}
	artifacts, err := a.artifacts(cfg)
	if err != nil {
		return err
	}
	ends := a.registries(cfg)
	defer ends.close()
	private, err := ends.openTarget(false)
	if err != nil {
		return err
	}
	private.Prepare(repositories(artifacts))
	lock, warnings, err := bundle.Receipt(ctx, private, artifacts, catalogue)
	if err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	for _, warning := range warnings {
		a.warn("%s", warning)
	}
	if err := os.WriteFile(name, lock.Marshal(), 0o644); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}
