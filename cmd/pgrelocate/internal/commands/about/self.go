package about

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/ownimage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
)

// NewSelfCommand makes `pgrelocate self`, the program as an image.
func NewSelfCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "self COMMAND",
		Short: "This program as an image, for clusters to run it in",
		Long: `Make an image of this program and put it into the private registry, so that the
cluster can run it: see examples/cronjob.yaml.`,
		Example: "  pgrelocate self push --registry registry.example.com",
		Args:    usage.NoCommand,
		RunE:    usage.ShowHelp,
	}
	cmd.AddCommand(newSelfPushCommand(a))
	return cmd
}

func newSelfPushCommand(a *app.App) *cobra.Command {
	var opts ownimage.Options
	cmd := &cobra.Command{
		Use:   "push",
		Short: "Put an image of this program into the private registry",
		Long: `Put an image of this program into the private registry, as pgrelocate:VERSION below the
folder of --registry. No container engine is needed. The image holds the program, the
public certificate authorities and a user that is not root, and nothing else; a private
authority is mounted, and named with --ca-file.

The image is for the platform of this very program. --program adds others, or takes its
place: files that releases carry for linux, one for each platform. The same programs make
the same image, digest and all, and a second push moves nothing.`,
		Example: `  pgrelocate self push --registry registry.example.com

  # for two kinds of nodes
  pgrelocate self push --registry registry.example.com \
    --program ./amd64/pgrelocate,./arm64/pgrelocate`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return pushSelf(ctx, a, cfg, opts)
		}),
	}
	fs := cmd.Flags()
	a.Settings.AddFlags(fs, []string{"registry"})
	fs.StringSliceVar(&opts.Programs, "program", nil, "make the image of these `FILES` instead of this very program")
	fs.StringVar(&opts.Tag, "tag", "", "put it under `TAG` instead of the program's version")
	a.Settings.AddFlags(fs, []string{"on-conflict", "check", "product"}, config.Connection, config.State, config.Output)
	return cmd
}

func pushSelf(ctx context.Context, a *app.App, cfg *config.Config, opts ownimage.Options) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	if len(opts.Programs) == 0 {
		own, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program's own file: %w", err)
		}
		opts.Programs = []string{own}
	}
	opts.Version, opts.Commit, opts.Date = a.Build.Version, a.Build.Commit, a.Build.Date
	s := a.Session(cfg)
	defer s.Close()
	made, err := ownimage.Push(ctx, s, opts)
	if made.Copied == nil {
		return exit.Misnamed(err)
	}
	if made.Copied.Failures == nil && err == nil {
		return a.Print(cfg, copies.NewSelf(made))
	}
	a.ListFailures(made.Copied.Failures)
	return err
}
