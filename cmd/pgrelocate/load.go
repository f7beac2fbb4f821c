package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
)

func newLoadCommand(a *app) *cobra.Command {
	var file bundleFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "load FILE...",
		Short: "Put a bundle into the private registry",
		Long: `Put what "pgrelocate save" wrote into the private registry. Every byte is checked first:
a bundle that is corrupt, truncated or changed is refused before anything is sent. Then
it is a copy like any other, with the bundle as its source: what the registry has is not
sent again, tags are put last, and a tag that holds other content stays as it is unless
--on-conflict says otherwise.

It goes below the folder of its product, tanzu-sql-postgres, or below the path that
--registry names. A bundle that would write elsewhere is refused without --any-target,
and every target is told before the first byte is sent.

Image layouts of other tools will do as well, as a tar or as a directory, and so will
archives of "docker save" and the vendor's own download, which needs no token. Of a
volume name any: those that lie beside it are found. --file names the bundle as an
argument does.`,
		Example: `  pgrelocate load pg.tar --registry registry.example.com

  # volumes from two disks
  pgrelocate load /media/a/pg.tar.001 /media/b/pg.tar.002 \
    --registry registry.example.com

  # only what was signed by us
  pgrelocate load pg.tar --public-key minisign.pub \
    --registry registry.example.com

  # the vendor's download
  pgrelocate load postgres-for-kubernetes-v4.5.0.tar.gz \
    --registry registry.example.com

  # an image that skopeo wrote under a tag alone
  pgrelocate load image.tar --name quay.example.com/team/tool:v1 \
    --registry registry.example.com/team`,
		ValidArgsFunction: fileNames,
		RunE: a.withBundle(&file, func(ctx context.Context, cfg *config.Config, _ []string) error {
			return load(ctx, a, cfg, file, dryRun)
		}),
	}
	file.addFlags(cmd.Flags())
	file.addTargetFlag(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would move, and move nothing")
	a.settings.AddFlags(cmd.Flags(), []string{"registry", "on-conflict", "check", "platform", "index", "signatures", "catalogue"}, config.Connection, config.State, config.Output)
	return cmd
}

func load(ctx context.Context, a *app, cfg *config.Config, flags bundleFlags, dryRun bool) error {
	if err := needRegistry(cfg); err != nil {
		return err
	}
	file, err := flags.need(ctx, a)
	if err != nil {
		return err
	}
	s := a.session(cfg)
	defer s.Close()
	if dryRun {
		planned, err := s.PlanLoad(ctx, file)
		return a.showPlanned(cfg, planned, err)
	}
	copied, err := s.Load(ctx, file)
	return a.account(cfg, s, copied, err)
}
