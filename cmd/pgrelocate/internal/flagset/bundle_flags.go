// Package flagset holds the flags that several commands share and that are no settings: which
// bundle, which credentials, where in the cluster. They turn into the options of use cases.
package flagset

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// BundleFlags say which bundle a command reads, and how. Wherever a command reads one, its
// arguments name it as well as the flag does: see WithBundle.
type BundleFlags struct {
	Files     []string
	name      string
	PublicKey string
	spoolDir  string
	anyTarget bool
	flags     *pflag.FlagSet // of the command, where it can do without a bundle
}

// AddFlags adds what every command that reads a bundle takes.
func (f *BundleFlags) AddFlags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.Files, "file", "f", nil, "the bundle, as an argument names it: a `FILE`, a volume of it, a directory, or - for standard input; again for volumes that lie elsewhere")
	fs.StringVar(&f.PublicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
	fs.StringVar(&f.name, "name", "", "`HOST/REPOSITORY[:TAG]` of what another tool wrote without saying so")
	fs.StringVar(&f.spoolDir, "spool-dir", "", "`FOLDER` for the content of pipes and compressed archives; the system's temporary one where none is named")
}

// AddTargetFlag adds what concerns a bundle that is loaded.
func (f *BundleFlags) AddTargetFlag(fs *pflag.FlagSet) {
	fs.BoolVar(&f.anyTarget, "any-target", false, "let the bundle go outside of the folders of known products, wherever it says")
}

// Given tells whether a bundle was named.
func (f *BundleFlags) Given() bool { return len(f.Files) > 0 }

// WithBundle is app.With, for a command whose arguments name a bundle.
func WithBundle(a *app.App, f *BundleFlags, act app.Action) func(*cobra.Command, []string) error {
	return a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
		if err := f.takeArguments(args); err != nil {
			return err
		}
		return act(ctx, cfg, args)
	})
}

// takeArguments takes the bundle that arguments name, a file or its volumes.
func (f *BundleFlags) takeArguments(args []string) error {
	for _, arg := range args {
		if host := usage.RegistryIn(arg); host != "" {
			return exit.Usagef("there is no file %s; did you mean --registry %s?", arg, host)
		}
	}
	f.Files = append(f.Files, args...)
	return nil
}

// File is the bundle that the flags name; none is given where they name none.
func (f *BundleFlags) File(ctx context.Context, a *app.App) (file relocate.BundleFile, err error) {
	switch {
	case !f.Given():
		return file, f.Idle()
	case slices.Contains(f.Files, "-") && len(f.Files) > 1:
		return file, exit.Usagef("standard input is a whole bundle: - goes with no other file")
	case f.Files[0] == "-":
		file.Stream = a.In
	default:
		file.Files = f.Files
	}
	file.Options.TempDir, file.AnyTarget = f.spoolDir, f.anyTarget
	if file.Options.PublicKey, err = f.readKey(ctx); err != nil {
		return file, err
	}
	if f.name != "" {
		if file.Options.Name, err = ref.Parse(f.name); err != nil {
			return file, exit.Usagef("--name: %w", err)
		}
	}
	return file, nil
}

// Idle refuses flags that are about a bundle where none is named: they would do nothing.
func (f *BundleFlags) Idle() error {
	for _, name := range []string{"public-key", "any-target"} {
		if f.flags != nil && f.flags.Changed(name) {
			return exit.Usagef("--%s is about a bundle, and none is named", name)
		}
	}
	return nil
}

// Need is file where there has to be one.
func (f *BundleFlags) Need(ctx context.Context, a *app.App) (relocate.BundleFile, error) {
	if !f.Given() {
		return relocate.BundleFile{}, exit.Usagef("which bundle? the command needs FILE")
	}
	return f.File(ctx, a)
}

// ForRegistry opens the session of a use case that brings the bundle, which has to be named, into the private
// registry, which has to be too.
func (f *BundleFlags) ForRegistry(ctx context.Context, a *app.App, cfg *config.Config, do func(*relocate.Session, relocate.BundleFile) error) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	file, err := f.Need(ctx, a)
	if err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	return do(s, file)
}

// readKey reads the public key; empty where none is named.
func (f *BundleFlags) readKey(ctx context.Context) (string, error) {
	if f.PublicKey == "" {
		return "", nil
	}
	key, err := files.ReadSmall(ctx, f.PublicKey, LongestSecret)
	if err != nil {
		return "", exit.Usagef("--public-key: %w", err)
	}
	if err := bundle.CheckPublicKey(string(key)); err != nil {
		return "", exit.Usagef("--public-key: %s: %w", f.PublicKey, err).WithHint("minisign -G and `pgrelocate bundle keygen` write such keys to files that end in .pub")
	}
	return string(key), nil
}

// AddBundleFlag adds --bundle, for commands in which a bundle stands beside registries; an argument
// names it as well.
func (f *BundleFlags) AddBundleFlag(fs *pflag.FlagSet, usage string) {
	f.flags = fs
	fs.StringArrayVar(&f.Files, "bundle", nil, usage+"; an argument does the same")
	fs.StringVar(&f.PublicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
}
