package airgap

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/commands/mirror"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/loading"
)

// NewLoadCommand makes `pgrelocate load`.
func NewLoadCommand(a *app.App) *cobra.Command {
	var file flagset.BundleFlags
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
argument does. With --registry several times the bundle is checked once and goes into
each; each fails by itself.`,
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
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &file, a.Reported("load", &dryRun, func(ctx context.Context, cfg *config.Config, _ []string) error {
			if dryRun {
				return mirror.ShowPlanOfLoad(ctx, a, cfg, file)
			}
			return load(ctx, a, cfg, file)
		})),
	}
	file.AddFlags(cmd.Flags())
	file.AddTargetFlag(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would move, and move nothing")
	a.Settings.AddFlags(cmd.Flags(), []string{"registry", "on-conflict", "check", "platform", "index", "signatures", "catalogue"}, config.Attesting, config.Admission, config.Connection, config.State, config.Reports, config.Output)
	app.TakesSeveral(cmd)
	return cmd
}

func load(ctx context.Context, a *app.App, cfg *config.Config, flags flagset.BundleFlags) error {
	return flags.ForRegistry(ctx, a, cfg, func(s *relocate.Session, file relocate.BundleFile) error {
		if len(cfg.Others) > 0 {
			several, err := loading.Each(ctx, s, file)
			return a.AccountEach(ctx, cfg, s, several, err)
		}
		copied, err := loading.Load(ctx, s, file)
		return a.Account(cfg, s, copied, err)
	})
}
