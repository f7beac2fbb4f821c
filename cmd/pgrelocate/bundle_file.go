package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// bundleFile is which bundle a command reads, and how.
type bundleFile struct {
	files     []string
	name      string
	publicKey string
	spoolDir  string
}

// addFlags adds what every command that reads a bundle takes.
func (f *bundleFile) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.files, "file", "f", nil, "the bundle: a `FILE`, a volume of it, a directory, or - for standard input; again for volumes that lie elsewhere")
	f.addTrustFlags(fs)
}

// addTrustFlags adds what concerns a bundle that is named by an argument.
func (f *bundleFile) addTrustFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.publicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
	fs.StringVar(&f.name, "name", "", "`HOST/REPOSITORY[:TAG]` of what another tool wrote without saying so")
	fs.StringVar(&f.spoolDir, "spool-dir", "", "`FOLDER` for the content of pipes and compressed archives; the system's temporary one where none is named")
}

func (f *bundleFile) given() bool { return len(f.files) > 0 }

// options are those for the bundle package.
func (f *bundleFile) options(a *app, cfg *config.Config) (bundle.OpenOptions, error) {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return bundle.OpenOptions{}, err
	}
	opts := bundle.OpenOptions{Catalogue: catalogue, SpoolDir: f.spoolDir}
	if f.publicKey != "" {
		key, err := os.ReadFile(f.publicKey)
		if err != nil {
			return opts, exit.Usagef("--public-key: %w", err)
		}
		if err := bundle.CheckPublicKey(string(key)); err != nil {
			return opts, exit.Usagef("--public-key: %s: %w", f.publicKey, err).WithHint("minisign -G and `pgrelocate bundle keygen` write such keys to files that end in .pub")
		}
		opts.PublicKey = string(key)
	}
	if f.name != "" {
		if opts.Name, err = ref.Parse(f.name); err != nil {
			return opts, exit.Usagef("--name: %w", err)
		}
	}
	return opts, nil
}

// open opens the bundle. What is wrong with it is a verification that failed.
func (f *bundleFile) open(ctx context.Context, a *app, cfg *config.Config) (*bundle.Bundle, error) {
	if !f.given() {
		return nil, exit.Usagef("which bundle? --file FILE is missing")
	}
	opts, err := f.options(a, cfg)
	if err != nil {
		return nil, err
	}
	var b *bundle.Bundle
	if f.files[0] == "-" {
		b, err = bundle.OpenReader(ctx, a.In, opts)
	} else {
		opts.Volumes = f.files[1:]
		b, err = bundle.Open(ctx, f.files[0], opts)
	}
	return b, corrupt(err)
}

// verify reads every byte of an open bundle.
func (a *app) verifyBundle(ctx context.Context, cfg *config.Config, b *bundle.Bundle) error {
	meter := new(registry.Meter)
	display := a.progress(cfg, meter)
	err := b.Verify(ctx, bundle.VerifyOptions{Meter: meter})
	display.Stop()
	if err == nil {
		a.detail("every byte is right: %s", output.Bytes(meter.BytesDone.Load()))
	}
	return corrupt(err)
}

// corrupt marks what was found wrong with a bundle, as against files that cannot be read, and
// a disk on which there is no room for what has to be kept.
func corrupt(err error) error {
	var file *fs.PathError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, exit.ErrInterrupted):
		return err
	case errors.As(err, &file), errors.Is(err, archive.ErrNoSpace):
		return err
	default:
		return &exit.VerificationError{Err: err, Advice: advice.For(err)}
	}
}

// sourcesOf returns what serves the hosts that artifacts come from.
func (r *registries) sourcesOf(ctx context.Context, artifacts []versions.Artifact) func(string) (registry.Source, error) {
	owner := ownerOfCredentials(r.cfg, artifacts)
	repositories := map[string][]string{}
	for _, artifact := range artifacts {
		repositories[artifact.Source.Host] = append(repositories[artifact.Source.Host], artifact.Source.Repository)
	}
	return func(host string) (registry.Source, error) {
		client, err := r.openSource(ctx, host, owner)
		if err != nil {
			return nil, err
		}
		client.Prepare(repositories[host])
		return client, nil
	}
}

// withoutTarget clears what is not known before a bundle is loaded.
func withoutTarget(cfg *config.Config) *config.Config {
	c := *cfg
	c.Registry = ref.Folder{}
	return &c
}
