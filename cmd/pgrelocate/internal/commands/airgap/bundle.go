package airgap

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// NewBundleCommand makes `pgrelocate bundle`.
func NewBundleCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Look into a bundle, check it, make keys to sign it",
		Long:  "Work with bundles where no registry is at hand.",
		Example: `  pgrelocate bundle inspect pg.tar
  pgrelocate bundle verify pg.tar`,
		Args: usage.NoCommand,
		RunE: usage.ShowHelp,
	}
	cmd.AddCommand(newInspectCommand(a), newVerifyBundleCommand(a), newKeygenCommand(a))
	return cmd
}

func newInspectCommand(a *app.App) *cobra.Command {
	var flags flagset.BundleFlags
	var blobs bool
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "List what is in a bundle, with sizes",
		Long: `List the artifacts of a bundle with their sizes, what is attached to them, and how many
bytes it holds. No registry is asked, and the content is not read: "pgrelocate bundle
verify" does that.`,
		Example: `  pgrelocate bundle inspect pg.tar

  # every blob, for a script
  pgrelocate bundle inspect pg.tar --blobs -o json`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &flags, func(ctx context.Context, cfg *config.Config, _ []string) error {
			return inspectBundle(ctx, a, cfg, flags, blobs)
		}),
	}
	flags.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&blobs, "blobs", false, "list the blobs too")
	a.Settings.AddFlags(cmd.Flags(), []string{"catalogue"}, config.Output)
	return cmd
}

func inspectBundle(ctx context.Context, a *app.App, cfg *config.Config, flags flagset.BundleFlags, blobs bool) error {
	file, err := flags.Need(ctx, a)
	if err != nil {
		return err
	}
	b, err := a.Session(cfg).OpenBundle(ctx, file)
	if err != nil {
		return err
	}
	defer b.Close()
	return a.Print(cfg, copies.NewBundle(b, copies.BundleOptions{Blobs: blobs, Brief: a.OutTTY}))
}

func newVerifyBundleCommand(a *app.App) *cobra.Command {
	var flags flagset.BundleFlags
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Check every byte of a bundle",
		Long: `Check every byte of a bundle against its digests, and that nothing is missing, as "load"
does before it sends anything. It exits with code 5 where the bundle is not what it
should be.`,
		Example: `  pgrelocate bundle verify pg.tar

  # and that it is ours
  pgrelocate bundle verify pg.tar --public-key minisign.pub`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &flags, func(ctx context.Context, cfg *config.Config, _ []string) error {
			return verifyBundle(ctx, a, cfg, flags)
		}),
	}
	flags.AddFlags(cmd.Flags())
	a.Settings.AddFlags(cmd.Flags(), []string{"catalogue"}, config.Output)
	return cmd
}

func verifyBundle(ctx context.Context, a *app.App, cfg *config.Config, flags flagset.BundleFlags) error {
	file, err := flags.Need(ctx, a)
	if err != nil {
		return err
	}
	s := a.Session(cfg)
	b, err := s.OpenBundle(ctx, file)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := s.CheckBundle(ctx, b); err != nil {
		return err
	}
	found := copies.NewBundle(b, copies.BundleOptions{Brief: a.OutTTY})
	found.Verified, found.Checked = true, flags.PublicKey != ""
	return a.Print(cfg, found)
}

func newKeygenCommand(a *app.App) *cobra.Command {
	return &cobra.Command{
		Use:   "keygen NAME",
		Short: "Make a pair of keys to sign bundles with",
		Long: `Make a pair of minisign keys: NAME.key signs bundles ("pgrelocate save --sign-key"),
NAME.pub checks them ("pgrelocate load --public-key"). Keys of minisign itself will do as
well. PGRELOCATE_SIGNING_PASSWORD, if it is set, encrypts the private key.`,
		Example: `  PGRELOCATE_SIGNING_PASSWORD=... pgrelocate bundle keygen relocation`,
		Args:    usage.ExactArgs("NAME"),
		RunE: a.With(func(_ context.Context, _ *config.Config, args []string) error {
			return keygen(a, args[0], credentials.Variable(signingPassword))
		}),
	}
}

// keygen writes a pair of keys, and never over one that is there.
func keygen(a *app.App, name, password string) error {
	if name == "-" {
		return exit.Usagef("a pair of keys is two files, and - names none: choose a name")
	}
	private, public, err := bundle.NewKeys(password)
	if err != nil {
		return err
	}
	names := []string{name + ".key", name + ".pub"}
	for _, name := range names { // no key without its other half
		if err := files.CheckWritable(name, false); err != nil {
			return taken(name, err)
		}
	}
	if err := files.Write(names[0], private, 0o600, false); err != nil {
		return taken(names[0], err)
	}
	if err := files.Write(names[1], public, 0o644, false); err != nil {
		return taken(names[1], err)
	}
	if password == "" {
		a.Warn("%s.key is not encrypted: set PGRELOCATE_SIGNING_PASSWORD to have it so", name)
	}
	a.Note("%s.key signs, %s.pub checks", name, name)
	return nil
}

// taken explains why a key is not written.
func taken(name string, err error) error {
	if errors.Is(err, os.ErrExist) {
		return exit.Usagef("%s exists", name).WithHint("a key that is lost cannot be made again: choose another name")
	}
	return exit.Misnamed(err)
}

// signingPassword is the environment variable with the password of a key that signs.
const signingPassword = "PGRELOCATE_SIGNING_PASSWORD"
