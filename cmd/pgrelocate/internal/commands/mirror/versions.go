package mirror

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
)

// NewVersionsCommand makes `pgrelocate versions`.
func NewVersionsCommand(a *app.App) *cobra.Command {
	var file flagset.BundleFlags
	var discover bool
	cmd := &cobra.Command{
		Use:   "versions [FILE...]",
		Short: "List what there is, and what is mirrored",
		Long: `List the chart and the images that belong to a release: its operator, one image for
each PostgreSQL version and edition, and what stands beside them. Without flags that is
everything in the newest known release. The flags that select are those of plan and copy,
so that what is listed here is what they would relocate.

Nothing is asked of any registry unless --registry names yours: then each line says
whether it is there already. With --check it is asked for every layer too, and for those of
what is attached: "damaged" is what has its tag and lacks some, and exit code 5 says that
there is any.

With --discover the source is asked what exists beyond the catalogue: the tags of the
product's repositories tell of releases and versions, and the charts of the newest ones
that are not known, and of those that --release names, are rendered: what they offer is what
there is. Where catalogue, tags and chart disagree, the result says who says what. Exit code
0 says that the source could be asked, whether or not there is anything new; with -o json
the fields current, newest, updateAvailable and newVersions are for tools. Exit code 3 says
that it could not be found out what belongs to some of the releases.`,
		Example: `  # everything in the newest release
  pgrelocate versions

  # an older release
  pgrelocate versions --release v4.0.0

  # which images of PostgreSQL 16 and newer are already in our registry?
  pgrelocate versions --versions '>=16' --registry registry.example.com

  # is every layer of the newest release really there?
  pgrelocate versions --registry registry.example.com --check

  # what does the vendor have that is newer than what we have mirrored?
  pgrelocate versions --discover --registry registry.example.com

  # what belongs to a release that the catalogue lacks?
  pgrelocate versions --discover --release v4.5.0 -o json`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &file, func(ctx context.Context, cfg *config.Config, _ []string) error {
			if discover {
				return discoverVersions(ctx, a, cfg, file)
			}
			return listVersions(ctx, a, cfg, file)
		}),
	}
	cmd.Flags().BoolVar(&discover, "discover", false, "ask the source which releases and versions exist beyond the catalogue")
	file.AddBundleFlag(cmd.Flags(), "say which artifacts are in this `FILE`")
	a.Settings.AddFlags(cmd.Flags(), config.Selection, []string{"with-prerequisites", "registry", "check", "source", "source-plain-http", "platform", "index"}, config.Connection, config.Output)
	cmd.AddCommand(newVersionsExportCommand(a))
	return cmd
}

func discoverVersions(ctx context.Context, a *app.App, cfg *config.Config, flags flagset.BundleFlags) error {
	if flags.Given() || cfg.Check {
		return exit.Usagef("--discover asks the source: it goes neither with a bundle nor with --check")
	}
	s := a.Session(cfg)
	defer s.Close()
	found, err := discovery.Discover(ctx, s)
	if err != nil {
		return err
	}
	if err := a.Print(cfg, overviews.NewDiscovery(found)); err != nil {
		return err
	}
	a.ListFailures(found.Failures)
	return found.Failures
}

func listVersions(ctx context.Context, a *app.App, cfg *config.Config, flags flagset.BundleFlags) error {
	file, err := flags.File(ctx, a)
	if err != nil {
		return err
	}
	if cfg.Check {
		if err := app.NeedRegistry(cfg); err != nil {
			return err
		}
	}
	s := a.Session(cfg)
	defer s.Close()
	matrix, err := inventory.Versions(ctx, s, file)
	if err != nil {
		return err
	}
	shown := overviews.NewMatrix(matrix)
	for _, release := range matrix.Product.Releases {
		if release.Note != "" && shown.Shows(release.Name) {
			a.Note("%s: %s", release.Name, release.Note)
		}
	}
	a.Note("%s has the releases %s; --release chooses", shown.Title, strings.Join(shown.Releases, ", "))
	for _, answer := range matrix.Mirrored {
		if answer.Presence == holdings.Unknown {
			a.Say("", "not known: ", "%v", answer)
		}
	}
	return cmp.Or(a.Print(cfg, shown), matrix.Failures)
}
