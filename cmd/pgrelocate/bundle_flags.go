package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// bundleFlags say which bundle a command reads, and how. Wherever a command reads one, its
// arguments name it as well as the flag does: see withBundle.
type bundleFlags struct {
	files     []string
	name      string
	publicKey string
	spoolDir  string
	anyTarget bool
	flags     *pflag.FlagSet // of the command, where it can do without a bundle
}

// addFlags adds what every command that reads a bundle takes.
func (f *bundleFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.files, "file", "f", nil, "the bundle, as an argument names it: a `FILE`, a volume of it, a directory, or - for standard input; again for volumes that lie elsewhere")
	fs.StringVar(&f.publicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
	fs.StringVar(&f.name, "name", "", "`HOST/REPOSITORY[:TAG]` of what another tool wrote without saying so")
	fs.StringVar(&f.spoolDir, "spool-dir", "", "`FOLDER` for the content of pipes and compressed archives; the system's temporary one where none is named")
}

// addTargetFlag adds what concerns a bundle that is loaded.
func (f *bundleFlags) addTargetFlag(fs *pflag.FlagSet) {
	fs.BoolVar(&f.anyTarget, "any-target", false, "let the bundle go outside of the folders of known products, wherever it says")
}

func (f *bundleFlags) given() bool { return len(f.files) > 0 }

// withBundle is with, for a command whose arguments name a bundle.
func (a *app) withBundle(f *bundleFlags, act action) func(*cobra.Command, []string) error {
	return a.with(func(ctx context.Context, cfg *config.Config, args []string) error {
		if err := f.takeArguments(args); err != nil {
			return err
		}
		return act(ctx, cfg, args)
	})
}

// takeArguments takes the bundle that arguments name, a file or its volumes.
func (f *bundleFlags) takeArguments(args []string) error {
	for _, arg := range args {
		if host := registryIn(arg); host != "" {
			return exit.Usagef("there is no file %s; did you mean --registry %s?", arg, host)
		}
	}
	f.files = append(f.files, args...)
	return nil
}

// file is the bundle that the flags name; none is given where they name none.
func (f *bundleFlags) file(ctx context.Context, a *app) (file relocate.BundleFile, err error) {
	switch {
	case !f.given():
		return file, f.idle()
	case slices.Contains(f.files, "-") && len(f.files) > 1:
		return file, exit.Usagef("standard input is a whole bundle: - goes with no other file")
	case f.files[0] == "-":
		file.Stream = a.In
	default:
		file.Files = f.files
	}
	file.Options.SpoolDir, file.AnyTarget = f.spoolDir, f.anyTarget
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

// idle refuses flags that are about a bundle where none is named: they would do nothing.
func (f *bundleFlags) idle() error {
	for _, name := range []string{"public-key", "any-target"} {
		if f.flags != nil && f.flags.Changed(name) {
			return exit.Usagef("--%s is about a bundle, and none is named", name)
		}
	}
	return nil
}

// need is file where there has to be one.
func (f *bundleFlags) need(ctx context.Context, a *app) (relocate.BundleFile, error) {
	if !f.given() {
		return relocate.BundleFile{}, exit.Usagef("which bundle? the command needs FILE")
	}
	return f.file(ctx, a)
}

// readKey reads the public key; empty where none is named.
func (f *bundleFlags) readKey(ctx context.Context) (string, error) {
	if f.publicKey == "" {
		return "", nil
	}
	key, err := files.ReadSmall(ctx, f.publicKey, longestSecret)
	if err != nil {
		return "", exit.Usagef("--public-key: %w", err)
	}
	if err := bundle.CheckPublicKey(string(key)); err != nil {
		return "", exit.Usagef("--public-key: %s: %w", f.publicKey, err).WithHint("minisign -G and `pgrelocate bundle keygen` write such keys to files that end in .pub")
	}
	return string(key), nil
}

// addBundleFlag adds --bundle, for commands in which a bundle stands beside registries; an argument
// names it as well.
func (f *bundleFlags) addBundleFlag(fs *pflag.FlagSet, usage string) {
	f.flags = fs
	fs.StringArrayVar(&f.files, "bundle", nil, usage+"; an argument does the same")
	fs.StringVar(&f.publicKey, "public-key", "", "refuse the bundle unless it was signed with the key to this `FILE` (minisign)")
}

// signingPassword is the environment variable with the password of a key that signs.
const signingPassword = "PGRELOCATE_SIGNING_PASSWORD"
