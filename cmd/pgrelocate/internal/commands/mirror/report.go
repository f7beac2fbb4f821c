package mirror

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/page"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/picturing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
)

// reportFlags are the flags of `pgrelocate report`.
type reportFlags struct {
	picturing.Options
	html      string
	overwrite bool
}

// NewReportCommand makes `pgrelocate report`.
func NewReportCommand(a *app.App) *cobra.Command {
	f := &reportFlags{}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show how the mirror stands, as a page for a browser",
		Long: `Look at the private registry, and show how it stands: each release with its PostgreSQL
versions and editions, and of each whether it is mirrored, missing, drifted or damaged. With
--html that is one page in one file, which needs no network, and runs nothing.

All known releases are looked for, and what the lock has besides, unless flags select.
"missing" is what the lock has, or without a lock what --release names, and is not there;
what nobody has put there is "not mirrored". "drifted" is another digest than the lock has.

Nothing is said of what was not looked at: layers, and those of what is attached, are
looked for with --check alone, the source is asked with --discover, the cluster with
--in-use, and the last runs are what --last-run tells of. Sizes are those of the lock, which stays as it is.

Exit code 0 says that the mirror could be looked at, not that all is well: that is for
"verify". 3 says that the registry did not tell of all, and stderr why.`,
		Example: `  # every night, after the copy
  pgrelocate copy --registry registry.example.com --lock pgrelocate.lock \
    --events events.json
  pgrelocate report --registry registry.example.com --lock pgrelocate.lock \
    --last-run events.json --discover --html mirror.html

  # what of it does the cluster use, and is every layer there?
  pgrelocate report --registry registry.example.com --in-use --check \
    --html mirror.html

  # the same for programs
  pgrelocate report --registry registry.example.com -o json`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.Destination = flagset.DestinationOf(cfg)
			return reportMirror(ctx, a, cfg, f)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, []string{"registry"})
	flags.StringVar(&f.html, "html", "", "write a page for a browser into `FILE`")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace a file that is no such page")
	flags.BoolVar(&f.Discover, "discover", false, "ask the source what it has that is new")
	flags.BoolVar(&f.InUse, "in-use", false, "ask the cluster what of it is in use")
	flags.StringVar(&f.Runs, "last-run", "", "tell of the last runs what stands in `FILE`, events or metrics of a copy")
	a.Settings.AddFlags(flags, config.Lock, config.Selection,
		[]string{"with-prerequisites", "check", "source", "source-plain-http", "platform", "index"}, config.Access, config.Connection, config.Output)
	return cmd
}

func reportMirror(ctx context.Context, a *app.App, cfg *config.Config, f *reportFlags) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	if err := f.claim(); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	picture, err := picturing.Draw(ctx, s, f.Options)
	if err != nil {
		return err
	}
	shown := overviews.NewMirror(cfg.Registry.String(), picture)
	if f.html != "" {
		if err := f.write(a, shown); err != nil {
			return err
		}
		a.Note("wrote %s", f.html)
	}
	for _, item := range picture.Items {
		if item.Answer.Presence == holdings.Unknown {
			a.Say("", "not known: ", "%v", item.Answer)
		}
	}
	return cmp.Or(a.Print(cfg, shown), picture.Unknown())
}

// claim finds out whether the page may be put where it is wanted.
func (f *reportFlags) claim() error {
	if f.html == "" {
		return nil
	}
	if err := files.CheckWritable(f.html, f.replaces()); err != nil {
		return exit.Misnamed(fmt.Errorf("writing the page: %w", err))
	}
	return nil
}

// replaces tells whether a file that is there may be replaced: an earlier page, or any.
func (f *reportFlags) replaces() bool {
	const longest = 64 << 20 // is no page
	body, err := files.ReadRegular(f.html, longest)
	return f.overwrite || err == nil && page.IsOurs(body)
}

func (f *reportFlags) write(a *app.App, shown overviews.Mirror) error {
	var seen overviews.Mirror
	if err := a.Fill(shown, &seen); err != nil {
		return err
	}
	text, err := page.Mirror(seen)
	if err != nil {
		return err
	}
	if err := files.Write(f.html, text, 0o644, f.replaces()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}
