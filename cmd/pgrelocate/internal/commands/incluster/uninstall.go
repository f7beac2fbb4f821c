package incluster

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// NewUninstallCommand makes `pgrelocate uninstall`.
func NewUninstallCommand(a *app.App) *cobra.Command {
	var opts install.UninstallOptions
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the operator and its pull secrets; keep the databases",
		Long: `Remove the helm release and the pull secrets that pgrelocate has made for it. CRDs stay,
for every database would go with them, and so do namespaces and volumes.

It refuses while databases exist, and where that cannot be seen; of a product that pgrelocate
does not know, every custom resource of the release's own CRDs counts as one. With --force they
go on running, with the pull secret of their namespace, and nobody looks after them until the
operator is installed again; hooks that the chart runs for uninstalling are left out then, for
they may delete them. Where databases cannot be seen, all pull secrets stay.
Where there is no such release, nothing is touched, and that is an error.`,
		Example: `  pgrelocate uninstall`,
		Args:    usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return UninstallRelease(ctx, a, cfg, flagset.DestinationOf(cfg), opts)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, config.Access, config.Place)
	flags.BoolVar(&opts.Force, "force", false, "uninstall although databases exist, or cannot be seen")
	flags.DurationVar(&opts.Timeout, "timeout", 5*time.Minute, "wait no longer than `TIME`")
	a.Settings.AddFlags(flags, []string{"product", "catalogue"}, config.Output)
	return cmd
}

// UninstallRelease removes an operator, and shows what came of it.
func UninstallRelease(ctx context.Context, a *app.App, cfg *config.Config, place reaching.Destination, opts install.UninstallOptions) error {
	removal, err := installing.Uninstall(ctx, a.Session(cfg), place, opts)
	if err != nil {
		return err
	}
	return a.Print(cfg, clusters.NewRemoval(removal))
}
