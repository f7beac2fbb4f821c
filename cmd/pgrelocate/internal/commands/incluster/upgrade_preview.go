package incluster

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/previewing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
)

// NewUpgradePreviewCommand makes `pgrelocate upgrade-preview`.
func NewUpgradePreviewCommand(a *app.App) *cobra.Command {
	var opts previewing.Options
	cmd := &cobra.Command{
		Use:   "upgrade-preview",
		Short: "Say what another release would change, and change nothing",
		Long: `Compare two releases by their charts, fetched from the source and rendered as their vendor
made them: which PostgreSQL versions appear and vanish, which CRDs appear, vanish or change
and in which versions and fields, and which images come and go. A release that the
catalogue lacks is looked for at the source.

The cluster of the kubeconfig is asked which databases use a version that vanishes; without
a kubeconfig nobody is. With --registry the result says how many bytes a copy of the new
release would move. Nothing is changed anywhere, and the exit code is 0 whatever changes.`,
		Example: `  # what would the newest release change?
  pgrelocate upgrade-preview --from v4.0.0

  # and what would it move?
  pgrelocate upgrade-preview --from v4.3.1 --to v4.5.0 \
    --registry registry.example.com

  # without a cluster, for a program
  pgrelocate upgrade-preview --from v4.3.1 --to v4.5.0 --no-cluster \
    -o json | jq '.offers[] | select(.change == "removed").name'`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			opts.Destination = flagset.DestinationOf(cfg)
			return previewUpgrade(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.From, "from", "", "the `RELEASE` that is there")
	flags.StringVar(&opts.To, "to", "", "the `RELEASE` that is to come; the newest known if not given")
	flags.BoolVar(&opts.NoCluster, "no-cluster", false, "ask no cluster which databases use what vanishes")
	a.Settings.AddFlags(flags, config.Access, config.Sides, []string{"product", "versions", "editions", "axis", "extras", "catalogue"}, config.Discovery, config.Connection, config.Output)
	return cmd
}

func previewUpgrade(ctx context.Context, a *app.App, cfg *config.Config, opts previewing.Options) error {
	if opts.From == "" {
		return exit.Usagef("from which release? --from RELEASE is missing")
	}
	s := a.Session(cfg)
	defer s.Close()
	preview, err := previewing.Upgrade(ctx, s, opts)
	if err != nil {
		return err
	}
	return a.Print(cfg, clusters.NewPreview(preview))
}
