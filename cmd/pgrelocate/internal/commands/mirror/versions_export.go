package mirror

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
)

func newVersionsExportCommand(a *app.App) *cobra.Command {
	var name string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what was found at the source as a catalogue file",
		Long: `Look at the source as "pgrelocate versions --discover" does, and write the releases that
were found as a catalogue file, which --catalogue reads: on a machine that does not reach
the source, or for people to look over. Without --release those are written that are newer
than all that the catalogue has.

There is no file where it cannot be found out what belongs to one of them, or where there is
nothing to write; the exit code is 3 or 1 then.`,
		Example: `  # what is new, to look at
  pgrelocate versions export

  # one release, for the machine behind the gap
  pgrelocate versions export --release v4.5.0 -f v4.5.0.yaml
  pgrelocate install --catalogue v4.5.0.yaml --release v4.5.0 \
    --registry registry.example.com`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return exportVersions(ctx, a, cfg, name, overwrite)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&name, "file", "f", "", "write into `FILE` instead of to standard output")
	flags.BoolVar(&overwrite, "overwrite", false, "replace a file that is there")
	a.Settings.AddFlags(flags, []string{"product", "release", "catalogue", "source", "source-plain-http"}, flagset.Connection("plain-http"))
	return cmd
}

func exportVersions(ctx context.Context, a *app.App, cfg *config.Config, name string, overwrite bool) error {
	to := app.OutFile{Path: name, Overwrite: overwrite}
	if err := to.Check(); err != nil {
		return err
	}
	cfg.Registry.Host, cfg.Registry.Path = "", "" // what is mirrored does not matter here
	s := a.Session(cfg)
	defer s.Close()
	file, err := discovery.Export(ctx, s)
	if err != nil {
		a.ListFailures(err)
		return err
	}
	if err := a.WriteOut(to, file); err != nil || to.IsStdout() {
		return err
	}
	a.Note("wrote %s; --catalogue %s reads it", name, name)
	return nil
}
