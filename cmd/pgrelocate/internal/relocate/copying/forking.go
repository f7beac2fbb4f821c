package copying

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// forking gets copies to several private registries ready, before the first byte. What is wrong then is
// wrong for all.
type forking struct {
	session *relocate.Session
	opts    CopyOptions
	forks   []*Copying
	sources *relocate.Sources
}

// newForking makes a copy for each registry of the settings. Where a file is named for a plan, each
// has its own: see config.FileOf.
func newForking(s *relocate.Session, opts CopyOptions) *forking {
	f := &forking{session: s, opts: opts}
	for _, to := range s.Config.Registries() {
		asked := opts
		if opts.Reviewed != "" {
			asked.Reviewed = config.FileOf(opts.Reviewed, to)
		}
		if opts.Out != "" {
			asked.Out = config.FileOf(opts.Out, to)
		}
		f.forks = append(f.forks, &Copying{Planning: Planning{Session: s.For(to), asked: asked}})
	}
	return f
}

func (f *forking) close() {
	for _, c := range f.forks {
		c.lockFile.Close()
	}
}

// each does one step of a plan for one registry after the other.
func (f *forking) each(step func(*Planning, context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, c := range f.forks {
			if err := step(&c.Planning, ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// readRules reads for all what artifacts have to be. Keys may come out of a pipe, and are read once.
func (f *forking) readRules(ctx context.Context) error {
	for _, c := range f.forks {
		c.Rules.Trust = f.forks[0].Rules.Trust
		if err := c.ReadRules(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readList reads a list of images, once for all.
func (f *forking) readList(ctx context.Context) error {
	err := f.forks[0].readList(ctx)
	for _, c := range f.forks {
		c.listed = f.forks[0].listed
	}
	return err
}

// checkNames refuses what cannot be one file for each registry: a pipe, a device, a folder.
func (f *forking) checkNames(context.Context) error {
	for _, name := range []string{f.opts.Reviewed, f.opts.Out, f.session.Config.Lock} {
		if name == "" || name == config.NoLock {
			continue
		}
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			return exit.Usagef("%s is no regular file: each of several registries has one of its own, called after both", name)
		}
	}
	return nil
}

// checkLogin refuses a login in the environment that might be any registry's.
func (f *forking) checkLogin(context.Context) error { return CheckLogin(f.session.Config) }

// CheckLogin refuses a login in the environment for registries on several hosts: it would be sent where it
// does not belong.
func CheckLogin(cfg *config.Config) error {
	given, err := credentials.FromEnvironment(config.Variable("registry"))
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	first := cfg.Registry.Host
	other := slices.IndexFunc(cfg.Others, func(r ref.Folder) bool { return !config.SameHost(r.Host, first) })
	if given.IsZero() || other < 0 {
		return nil
	}
	return &exit.UsageError{Err: &OneLoginError{First: first, Other: cfg.Others[other].Host}}
}

// OneLoginError says that the environment has one login for registries on several hosts.
type OneLoginError struct{ First, Other string }

// Error names two of them.
func (e *OneLoginError) Error() string {
	return fmt.Sprintf("%s is the password of one registry, and both %s and %s are named", config.PasswordVariable("registry"), e.First, e.Other)
}

// openLocks opens the lock of each registry; all runs do so in the same order, so that no two wait for
// each other.
func (f *forking) openLocks(ctx context.Context) error { return f.locks(ctx, (*Planning).openLock) }

func (f *forking) readLocks(ctx context.Context) error { return f.locks(ctx, (*Planning).readLock) }

func (f *forking) locks(ctx context.Context, open func(*Planning, context.Context) error) error {
	paths, found := locking.PathsOf(f.session.Config.Lock, f.session.Config.Registries())
	for i, c := range f.forks {
		c.Config.Lock = paths[i]
		if found {
			c.Note("%s is held against %s in this folder", c.Config.Registry, paths[i])
		}
	}
	inOrder := slices.Clone(f.forks)
	slices.SortFunc(inOrder, func(a, b *Copying) int {
		switch {
		case a.Config.Lock < b.Config.Lock:
			return -1
		case a.Config.Lock > b.Config.Lock:
			return 1
		}
		return 0
	})
	for _, c := range inOrder {
		if err := open(&c.Planning, ctx); err != nil {
			return err
		}
	}
	return nil
}

// look looks for releases that the catalogue lacks, once for all.
func (f *forking) look(ctx context.Context) error {
	if f.opts.Images != "" || f.opts.Reviewed != "" {
		return nil
	}
	if err := discovery.Learn(ctx, f.session, f.session.Config.Releases); err != nil {
		return err
	}
	for _, c := range f.forks {
		c.LearnFrom(f.session)
	}
	return nil
}

// checkApart refuses registries that are one place under two names, as a folder is that holds the
// product's own.
func (f *forking) checkApart(context.Context) error {
	type place struct{ host, repository string }
	seen := map[place]ref.Folder{}
	for _, c := range f.forks {
		for _, a := range c.Artifacts {
			to := a.Target.Canonical()
			at := place{config.CanonicalHost(to.Host), to.Repository}
			if other, twice := seen[at]; twice && other != c.Config.Registry {
				return exit.Usagef("%s and %s are one place: both would get %s", other, c.Config.Registry, a.Target.Name())
			}
			seen[at] = c.Config.Registry
		}
	}
	return nil
}

// openSources finds what all artifacts come from.
func (f *forking) openSources(context.Context) error {
	var all []versions.Artifact
	known := map[ref.Reference]bool{}
	for _, c := range f.forks {
		for _, a := range c.Artifacts {
			if !known[a.Source] {
				known[a.Source] = true
				all = append(all, a)
			}
		}
	}
	if f.opts.Reviewed == "" {
		f.sources = f.session.SourcesOf(all)
		return nil
	}
	selected, err := f.session.Artifacts(f.session.Config.Registry)
	if err != nil {
		return err
	}
	f.sources = f.session.SourcesOfOthers(all, selected)
	return nil
}

func (f *forking) source(ctx context.Context) func(string) (registry.Source, error) {
	return func(host string) (registry.Source, error) { return f.sources.Open(ctx, host) }
}
