package incluster

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// NewValuesCommand makes `pgrelocate values`.
func NewValuesCommand(a *app.App) *cobra.Command {
	var opts rendering.ValuesOptions
	cmd := &cobra.Command{
		Use:   "values",
		Short: "Print the chart's values that name the private registry",
		Long: `Print the values, as YAML, that make the chart run from the private registry: for helm,
Argo CD and Flux. They name nothing that was not relocated: what the registry lacks is
left out, or is another version that it has, and that is said. --offline takes everything
to be there and asks nobody. Where a release has several charts they are those of the
operator's, or of the one that --only names.

--pin-digest adds to images the digests that the registry has for their tags, so that a
tag that is moved changes nothing: where a value names an image as a whole, and where
the chart takes repository and tag apart and rendering it shows that it takes a digest
too. The others are told of.`,
		Example: `  pgrelocate values --registry registry.example.com > values.yaml
  helm upgrade --install -n postgres-system postgres-operator \
    oci://registry.example.com/tanzu-sql-postgres/vmware-sql-postgres-operator \
    --version v4.3.1 -f values.yaml

  # for a repository that is reviewed: what runs is what was looked at
  pgrelocate values --registry registry.example.com --pin-digest > values.yaml`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			opts.Destination = flagset.DestinationOf(cfg)
			if opts.PinDigest && opts.Offline {
				return exit.Usagef("--pin-digest asks the registry for digests, and --offline asks nobody")
			}
			return printValues(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, flagset.ReleaseSettings)
	a.Settings.AddFlags(flags, config.PullSecret)
	flagset.AddOnlyFlag(flags, &opts.Only)
	flags.BoolVar(&opts.Offline, "offline", false, "do not ask the registry what it has")
	flags.BoolVar(&opts.PinDigest, "pin-digest", false, "name images by digest as well, where the chart takes one")
	a.Settings.AddFlags(flags, config.Connection)
	return cmd
}

func printValues(ctx context.Context, a *app.App, cfg *config.Config, opts rendering.ValuesOptions) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	values, err := rendering.Values(ctx, s, opts)
	if err != nil {
		return err
	}
	text, err := chart.FormatValues(values)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}
