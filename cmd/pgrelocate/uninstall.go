package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

func newUninstallCommand(a *app) *cobra.Command {
	var place clusterFlags
	var opts install.UninstallOptions
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the operator and its pull secrets, and keep the databases",
		Long: `Remove the helm release and the pull secrets that pgrelocate has made. CRDs stay, for
every database would go with them, and so do namespaces.

It refuses while databases exist. With --force they go on running, with the pull secret of
their namespace, and nobody looks after them until the operator is installed again.`,
		Example: `  pgrelocate uninstall`,
		Args:    noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return uninstallRelease(ctx, a, cfg, &place, opts)
		}),
	}
	flags := cmd.Flags()
	place.addAccess(flags)
	place.addPlace(flags)
	flags.BoolVar(&opts.Force, "force", false, "uninstall although databases exist")
	flags.DurationVar(&opts.Timeout, "timeout", 5*time.Minute, "wait no longer than `TIME`")
	a.settings.AddFlags(flags, []string{"product", "catalogue"}, config.Output)
	return cmd
}

func uninstallRelease(ctx context.Context, a *app, cfg *config.Config, place *clusterFlags, opts install.UninstallOptions) error {
	_, product, err := a.product(cfg)
	if err != nil {
		return err
	}
	place.complete(product)
	if opts.Cluster, err = place.connect(ctx, a); err != nil {
		return err
	}
	opts.Product, opts.HelmRelease = product, place.helmRelease
	opts.Namespace, opts.PullSecret = place.namespace, place.pullSecret
	removal, err := install.Uninstall(ctx, opts)
	if err != nil {
		return err
	}
	return a.print(cfg, view.NewRemoval(removal))
}
