package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// addBundleFlag adds --bundle, for commands in which a bundle stands beside registries.
func (f *bundleFile) addBundleFlag(fs *pflag.FlagSet, usage string) {
	fs.StringArrayVar(&f.files, "bundle", nil, usage)
	fs.StringVar(&f.publicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
}

// holdAgainst wants the private registry to hold every artifact as a bundle has it.
func (a *app) holdAgainst(ctx context.Context, cfg *config.Config, private bundle.Resolver, lock *bundle.Lock) error {
	if err := needRegistry(cfg); err != nil {
		return err
	}
	differences, err := lock.Compare(ctx, private, cfg.Registry)
	if err != nil {
		return err
	}
	if len(differences) == 0 {
		a.note("%s holds what the bundle does: %s", cfg.Registry, output.Count(len(lock.Artifacts), "artifact"))
		return nil
	}
	failed := newFailures(len(lock.Artifacts))
	for _, d := range differences {
		failed.add(a, d.Artifact, d)
	}
	return &exit.VerificationError{
		Err:    errors.New("the registry does not hold what the bundle does"),
		Advice: "`pgrelocate load` puts it there",
	}
}

// chartIn is the chart of the one release in a bundle, or of the release that is named.
func chartIn(ctx context.Context, b *bundle.Bundle, release string) (*chart.Chart, error) {
	var found []bundle.LockedArtifact
	for _, a := range b.Lock().Artifacts {
		if a.Role == versions.RoleChart && (release == "" || a.Release == release) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) == 0:
		return nil, exit.Usagef("the bundle holds no chart of release %q", release)
	case len(found) > 1:
		return nil, exit.Usagef("the bundle holds %d charts; choose one with --release", len(found))
	}
	return chart.Fetch(ctx, b, found[0].Target.Repository, found[0].Digest.String())
}
