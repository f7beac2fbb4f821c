package about

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/incluster"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/mirror"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/demo"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// NewDemoCommand makes `pgrelocate demo`.
func NewDemoCommand(a *app.App) *cobra.Command {
	var place flagset.DestinationFlags
	var opts demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole job done here, in registries of its own",
		Long: `Start two registries inside this program, one with a stand-in for the newest release
and one that is empty, and do between them what "pgrelocate plan" and "pgrelocate copy"
do between a vendor's registry and yours. It is the same code; only the content of the
images is made up. Nothing leaves this machine, and no settings but --quiet, --verbose
and --no-progress count.

With --keep both registries stay until Ctrl-C, for you to try the other commands between
them; it says which. They listen on ports 5000 and 5001, or on others where those are
taken.

With --kubeconfig it carries on into a cluster: it installs the stand-in from the private
registry, lets the nodes pull every image, and uninstalls again; the namespace and the
CRDs stay. The registry listens on loopback, so that the cluster's node has to be this
machine. Cert-manager has to be there. A cluster that has the real operator is refused.`,
		Example: `  pgrelocate demo

  # keep what was copied: an OCI image layout, for skopeo, crane and others
  pgrelocate demo --dir mirror

  # keep both registries, and try the commands yourself
  pgrelocate demo --keep

  # carry on into the cluster on this machine
  pgrelocate demo --kubeconfig ~/.kube/config`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			opts.Destination = place.Destination
			return demonstrate(ctx, a, cfg, opts)
		}),
	}
	cmd.Flags().StringVar(&opts.Dir, "dir", "", "keep the private registry's content in `DIR`, and carry on with what is there")
	cmd.Flags().BoolVar(&opts.Keep, "keep", false, "keep both registries until Ctrl-C, for other commands to be tried")
	place.AddAccess(cmd.Flags())
	return cmd
}

// demonstrate shows the commands at work, as they are.
func demonstrate(ctx context.Context, a *app.App, cfg *config.Config, opts demo.Options) error {
	opts.Settings, opts.UserAgent = cfg, a.UserAgent()
	opts.Note, opts.Detail, opts.Warn, opts.Result = a.Note, a.Detail, a.Warn, a.Out
	opts.Commands = demo.Commands{
		Plan: func(ctx context.Context, cfg *config.Config) error {
			return mirror.ShowPlan(ctx, a, cfg, copying.PlanOptions{})
		},
		Copy: func(ctx context.Context, cfg *config.Config) error {
			return mirror.CopyRelease(ctx, a, cfg, copying.CopyOptions{})
		},
		Install: func(ctx context.Context, cfg *config.Config, place reaching.Destination) error {
			flags := &incluster.InstallFlags{DestinationFlags: flagset.DestinationFlags{Destination: place}, Wait: true}
			flags.Timeout = 2 * time.Minute
			return incluster.InstallRelease(ctx, a, cfg, flags)
		},
		Verify: func(ctx context.Context, cfg *config.Config, place reaching.Destination) error {
			return incluster.VerifyInstallation(ctx, a, cfg, &incluster.VerifyFlags{DestinationFlags: flagset.DestinationFlags{Destination: place}, Pull: true})
		},
		Uninstall: func(ctx context.Context, cfg *config.Config, place reaching.Destination) error {
			return incluster.UninstallRelease(ctx, a, cfg, place, install.UninstallOptions{})
		},
	}
	return demo.Run(ctx, opts)
}

// NewStandInOperatorCommand is what the demonstration's operator runs.
func NewStandInOperatorCommand() *cobra.Command {
	return &cobra.Command{
		Use:    demo.OperatorCommand,
		Hidden: true,
		Args:   usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			<-cmd.Context().Done()
			return nil
		},
	}
}
