package anychart

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/images"
)

func newChartImagesCommand(a *app.App) *cobra.Command {
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
		Args: usage.ExactArgs("CHART"),
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			return listChartImages(ctx, a, cfg, flags.of(args))
		}),
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&flags.Switches, "switches", true, "look for what the chart runs only once something is switched on")
	a.Settings.AddFlags(cmd.Flags(), []string{"source-plain-http"}, config.Connection, config.Output)
	return cmd
}

func listChartImages(ctx context.Context, a *app.App, cfg *config.Config, opts charts.SurveyOptions) error {
	s := a.Session(cfg)
	defer s.Close()
	found, err := charts.ChartImages(ctx, s, opts)
	if err != nil {
		return err
	}
	if err := a.Print(cfg, images.NewChartImages(found)); err != nil {
		return err
	}
	tellOfSurvey(a, found)
	return nil
}

// tellOfSurvey says what could not be found out.
func tellOfSurvey(a *app.App, found *charts.Surveyed) {
	for _, m := range found.Unreached {
		a.Warn("no value moves %s in %s", m.Image, m.Use)
	}
	for _, key := range found.Failing {
		a.Detail("the chart cannot be rendered with %s alone: what is behind it is not known", key)
	}
	if found.Exhausted {
		a.Warn("there were more combinations of values than are tried: there may be more images")
	}
	for _, address := range found.Rendering.Unchecked {
		a.Warn("the values were not held against the chart's schema: it refers to %q, and nothing is fetched from there", address)
	}
}
