package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

func newChartImagesCommand(a *app) *cobra.Command {
	var flags surveyFlags
	cmd := &cobra.Command{
		Use:   "images CHART",
		Short: "List every image that a chart would run, and the values that move it",
		Long: `Render a chart and list every image in it, in whatever string it stands: image fields,
environment, arguments, ConfigMaps, custom resources. Then render it again with values
marked, to see which of them leads to which image, and with what is off switched on, to
see what the chart can run besides. Images that its Chart.yaml lists are there too. An
image that is compiled into an operator is in no chart, and not found.

CHART is oci://HOST/PATH[:VERSION], a packed chart's file, an unpacked one's folder or,
with --repo, the name of a chart in a classic repository. Nothing is changed anywhere, and
no cluster is asked. Large charts with hundreds of switches take minutes;
--switches=false leaves those out.`,
		Example: `  pgrelocate chart images oci://quay.io/jetstack/charts/cert-manager \
    --version v1.19.1

  # from a classic repository, with values of your own
  pgrelocate chart images --repo https://charts.example.com operator \
    -f mine.yaml

  # the images alone, for a script
  pgrelocate chart images ./mychart -o json \
    | jq -r '.images[] | select(.runs).image'`,
		Args: exactArgs("CHART"),
		RunE: a.with(func(ctx context.Context, cfg *config.Config, args []string) error {
			return listChartImages(ctx, a, cfg, flags.of(args))
		}),
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&flags.Switches, "switches", true, "look for what the chart runs only once something is switched on")
	a.settings.AddFlags(cmd.Flags(), []string{"source-plain-http"}, config.Connection, config.Output)
	return cmd
}

func listChartImages(ctx context.Context, a *app, cfg *config.Config, opts relocate.SurveyOptions) error {
	s := a.session(cfg)
	defer s.Close()
	found, err := s.ChartImages(ctx, opts)
	if err != nil {
		return err
	}
	if err := a.print(cfg, view.NewChartImages(found)); err != nil {
		return err
	}
	a.tellOfSurvey(found)
	return nil
}

// tellOfSurvey says what could not be found out.
func (a *app) tellOfSurvey(found *relocate.Surveyed) {
	for _, m := range found.Unreached {
		a.warn("no value moves %s in %s", m.Image, m.Use)
	}
	for _, key := range found.Failing {
		a.detail("the chart cannot be rendered with %s alone: what is behind it is not known", key)
	}
	if found.Exhausted {
		a.warn("there were more combinations of values than are tried: there may be more images")
	}
	for _, address := range found.Rendering.Unchecked {
		a.warn("the values were not held against the chart's schema: it refers to %q, and nothing is fetched from there", address)
	}
}
