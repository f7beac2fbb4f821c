package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// addBundleFlag adds --bundle, for commands in which a bundle stands beside registries.
func (f *bundleFile) addBundleFlag(fs *pflag.FlagSet, usage string) {
	fs.StringArrayVar(&f.files, "bundle", nil, usage)
	fs.StringVar(&f.publicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
}

// holdAgainst wants the private registry to hold every artifact as a bundle has it. What
// it holds otherwise is shown, and returned in words beside the error.
func (a *app) holdAgainst(ctx context.Context, cfg *config.Config, private holdings.Resolver, lock *lock.Lock) ([]string, error) {
	differences, err := lock.Compare(ctx, private, cfg.Registry)
	if err != nil {
		return nil, err
	}
	if len(differences) == 0 {
		a.note("%s holds what the bundle does: %s", cfg.Registry, output.Count(len(lock.Artifacts), "artifact"))
		return nil, nil
	}
	failed := newFailures(len(lock.Artifacts))
	words := make([]string, len(differences))
	for i, d := range differences {
		failed.add(a, d.Artifact, d)
		words[i] = d.Error()
	}
	return words, &exit.VerificationError{
		Err:    errors.New("the registry does not hold what the bundle does"),
		Advice: "`pgrelocate load` puts it there",
	}
}

// chartIn is the chart of the one release in a bundle, or of the release that is named. A
// delta may leave it out: then it comes from the private registry, which holds it.
func chartIn(ctx context.Context, b *bundle.Bundle, private registry.Source, cfg *config.Config) (*chart.Chart, error) {
	at, err := chartAt(b.Lock(), cfg)
	if err != nil {
		return nil, err
	}
	locked := b.Lock().Artifacts[at]
	found, err := chart.Fetch(ctx, b, locked.Target.Repository, locked.Digest.String())
	if errors.Is(err, registry.ErrNotFound) && b.Lock().Omits() {
		there := b.Lock().ArtifactsFor(cfg.Registry)[at].Target
		return chart.Fetch(ctx, private, there.Repository, locked.Digest.String())
	}
	if err != nil {
		return nil, corrupt(fmt.Errorf("in the bundle: %w", err))
	}
	return found, nil
}

// chartAt finds the artifact of a lock that chartIn means.
func chartAt(lock *lock.Lock, cfg *config.Config) (int, error) {
	of, release := "", ""
	if len(cfg.Releases) == 1 {
		release = cfg.Releases[0]
		of = " of release " + release
	}
	var found []int
	for i, a := range lock.Artifacts {
		if a.Role == versions.RoleChart && (release == "" || a.Release == release) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return 0, exit.Usagef("the bundle holds no chart%s", of).WithHint("--chart FILE takes it from elsewhere")
	case 1:
		return found[0], nil
	default:
		return 0, exit.Usagef("the bundle holds %d charts%s; choose one with --release", len(found), of)
	}
}
