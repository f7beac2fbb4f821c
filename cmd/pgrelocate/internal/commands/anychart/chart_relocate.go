package anychart

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// relocateFlags are the flags of chart relocate.
type relocateFlags struct {
	charts.ChartRelocation
	survey    surveyFlags
	output    string
	overwrite bool
}

// values is where the values go.
func (f *relocateFlags) values() app.OutFile {
	return app.OutFile{Path: f.output, Overwrite: f.overwrite}
}

func newChartRelocateCommand(a *app.App) *cobra.Command {
	var flags relocateFlags
	cmd := &cobra.Command{
		Use:   "relocate CHART",
		Short: "Copy any chart with its images, and print the values that name them",
		Long: `Find every image that a chart runs and the values that move it, as "pgrelocate chart
images" does. Then render the chart with those values and look at every string: unless each
image lies in the private registry, nothing is moved. --accept names places that may stay.
What has been proved is copied: the images with all their platforms, and the chart as it is.

The values go to standard output, or to a file with --output. Lay them over your own.
Below --registry an image keeps the path that it has: quay.io/jetstack/x:1 becomes
HOST/PATH/jetstack/x:1. So does a chart from a registry; another one goes to charts/NAME.

--publish puts the chart there a second time, under a version of its own and with default
values that name the private registry, so that a plain "helm install" needs no flags. Its
manifest tells by digest what it was made from.

--lock FILE writes down what the registry then holds of it, by digest, as "pgrelocate copy"
does. A repository that the chart names without a tag is told of.`,
		Example: `  pgrelocate chart relocate oci://quay.io/jetstack/charts/cert-manager \
    --version v1.19.1 --registry registry.example.com/mirror > values.yaml

  # look first; from a classic repository, with values of your own
  pgrelocate chart relocate --repo https://charts.example.com operator \
    -f mine.yaml --registry registry.example.com/mirror --dry-run

  # what is behind switches too, and a chart that needs no flags
  pgrelocate chart relocate ./mychart --registry registry.example.com/mirror \
    --optional --publish`,
		Args: usage.ExactArgs("CHART"),
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			flags.SurveyOptions = flags.survey.of(args)
			return relocateChart(ctx, a, cfg, &flags)
		}),
	}
	fs := cmd.Flags()
	a.Settings.AddFlags(fs, []string{"registry"})
	flags.survey.add(fs)
	fs.StringVarP(&flags.output, "output", "o", "", "write the values to `FILE` instead of standard output")
	fs.StringVar(&flags.Lock, "lock", "", "afterwards write into `FILE` what the private registry holds of it, by digest")
	fs.BoolVar(&flags.overwrite, "overwrite", false, "let --output replace a file, and --lock one that is no lock")
	fs.Var((*flagset.AcceptFlag)(&flags.Accept), "accept", "let `PLACE`, KIND/NAME:PATH[=REASON], name what is not in the private registry; again for more")
	fs.BoolVar(&flags.Optional, "optional", false, "take along what the chart runs only once something is switched on, and what it only lists")
	fs.BoolVar(&flags.Publish, "publish", false, "put the chart there a second time, with default values that name the private registry")
	fs.StringVar(&flags.PublishVersion, "publish-version", "", "the `VERSION` of that chart; the chart's own with +relocated if not given")
	fs.BoolVar(&flags.DryRun, "dry-run", false, "say what would move, print the values, and move nothing")
	a.Settings.AddFlags(fs, []string{"source-plain-http"}, config.Copying, config.Admission, config.Connection, config.State)
	return cmd
}

func relocateChart(ctx context.Context, a *app.App, cfg *config.Config, flags *relocateFlags) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	if flags.PublishVersion != "" && !flags.Publish {
		return exit.Usagef("--publish-version goes with --publish")
	}
	if err := flags.values().Check(); err != nil {
		return err
	}
	if flags.DryRun && flags.Lock != "" {
		return exit.Usagef("--lock is about what was copied, and --dry-run copies nothing")
	}
	flags.Overwrite = flags.overwrite
	s := a.Session(cfg)
	defer s.Close()
	made, err := charts.RelocateChart(ctx, s, flags.ChartRelocation)
	if made == nil {
		return err
	}
	if printErr := tellOfRelocation(a, cfg, made, err); printErr != nil {
		return printErr
	}
	if err != nil {
		return err
	}
	if err := writeValues(a, flags, made); err != nil {
		return err
	}
	return made.Failures
}

// tellOfRelocation says what was copied, or would be, and where the charts are.
func tellOfRelocation(a *app.App, cfg *config.Config, made *charts.RelocatedChart, err error) error {
	if err := tellOfCopy(a, cfg, made.Plan, made.Copied, made.Failures, err); err != nil {
		return err
	}
	if err == nil && made.Copied != nil {
		a.Note("the chart is oci://%s", made.Target)
		if !made.Published.IsZero() {
			a.Note("with values that name the registry it is oci://%s", made.Published)
		}
	}
	return nil
}

// tellOfCopy says beside a result what was copied for it or, where nothing was to be, would be.
func tellOfCopy(a *app.App, cfg *config.Config, planned *plan.Plan, copied *copying.Copied, failures, ended error) error {
	var text strings.Builder
	switch {
	case copied != nil:
		interrupted := ended != nil && exit.Code(ended) == exit.Interrupted
		if err := copies.NewCopy(cfg.Registry, copied, interrupted).WriteTable(&text); err != nil {
			return err
		}
	case ended == nil:
		if err := copies.NewPlan(cfg.Registry, &copying.Planned{Plan: planned}).WriteTable(&text); err != nil {
			return err
		}
	}
	if text.Len() > 0 {
		a.Note("%s", strings.TrimSuffix(text.String(), "\n"))
	}
	a.ListFailures(failures)
	return nil
}

// writeValues writes the values where they are wanted.
func writeValues(a *app.App, flags *relocateFlags, made *charts.RelocatedChart) error {
	text, err := chart.FormatValues(made.Values)
	if err != nil {
		return err
	}
	return a.WriteOut(flags.values(), text)
}
