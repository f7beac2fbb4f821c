package anychart

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// NewChartCommand makes `pgrelocate chart`.
func NewChartCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chart",
		Short: "Look into any Helm chart, and relocate it",
		Long: `Work with charts that no catalogue describes. What they run, and which of their values
move it, is found by rendering them.

CHART is oci://HOST/PATH[:VERSION], a packed chart's file, an unpacked one's folder or,
with --repo, the name of a chart in a classic repository.`,
		Example: `  pgrelocate chart images oci://quay.io/jetstack/charts/cert-manager
  pgrelocate chart images --repo https://charts.example.com operator
  pgrelocate chart relocate oci://quay.io/jetstack/charts/cert-manager \
    --registry registry.example.com/mirror`,
		Args: usage.NoCommand,
		RunE: usage.ShowHelp,
	}
	cmd.AddCommand(newChartImagesCommand(a), newChartRelocateCommand(a))
	for _, sub := range cmd.Commands() {
		sub.Flags().SortFlags = false
	}
	return cmd
}

// surveyFlags say which chart is meant, and how it is rendered.
type surveyFlags struct{ charts.SurveyOptions }

func (f *surveyFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.Chart.Repository, "repo", "", "take the chart from the classic repository at `URL`")
	fs.StringVar(&f.Chart.Version, "version", "", "take this `VERSION` of the chart, or the newest in a range; the newest if not given")
	fs.StringArrayVarP(&f.User.Files, "values", "f", nil, "render with the values in `FILE`; again for more")
	fs.StringArrayVar(&f.User.Set, "set", nil, "set `KEY=VALUE`, as helm does; again for more")
	fs.StringArrayVar(&f.User.SetString, "set-string", nil, "the same, and `KEY=VALUE` is text whatever it looks like")
	fs.StringArrayVar(&f.User.SetFile, "set-file", nil, "the same, and `KEY=FILE` names a file that holds the value")
	fs.StringArrayVar(&f.User.SetJSON, "set-json", nil, "the same, and `KEY=JSON` is JSON")
	fs.StringVarP(&f.Render.Namespace, "namespace", "n", "default", "render for this `NAMESPACE`")
	fs.StringVar(&f.Render.Release, "helm-release", "release-name", "render for a helm release of this `NAME`")
	fs.StringVar(&f.Render.KubeVersion, "kube-version", chart.DefaultKubeVersion, "render for this `VERSION` of Kubernetes")
	fs.StringSliceVar(&f.Render.APIVersions, "api-versions", nil, "render for a cluster that has these `APIS` too, cert-manager.io/v1")
}

// of completes the options by the command's argument.
func (f *surveyFlags) of(args []string) charts.SurveyOptions {
	f.Chart.Name = args[0]
	return f.SurveyOptions
}
