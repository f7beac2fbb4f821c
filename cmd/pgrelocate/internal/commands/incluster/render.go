package incluster

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// NewRenderCommand makes `pgrelocate render`.
func NewRenderCommand(a *app.App) *cobra.Command {
	var opts rendering.RenderOptions
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the manifests that an install would apply",
		Long: `Render the chart from the private registry with the values that name it, and print the
manifests: CRDs first, hooks last. No cluster is asked. It fails where an image lies
anywhere but in the private registry, unless --accept names the place.

As for an install, versions whose image was not relocated are left out, and named.
--only-mirrored=false prints them all the same, and asks the registry for no image.

Where a release has several charts, the manifests of all are printed in their order, but for
optional charts that were not copied. Values of your own are for the first of them, or for
the one that --only names.`,
		Example: `  pgrelocate render --registry registry.example.com > operator.yaml

  # all that the chart offers, whatever was relocated
  pgrelocate render --registry registry.example.com --only-mirrored=false

  # a ConfigMap that mentions the vendor's registry in prose
  pgrelocate render --registry registry.example.com \
    --accept 'ConfigMap/help:data.text=prose'`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			opts.Destination = flagset.DestinationOf(cfg)
			return renderRelease(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, flagset.ReleaseSettings)
	a.Settings.AddFlags(flags, config.Place, config.PullSecret)
	flagset.AddChartFlags(flags, &opts.Chart)
	flagset.AddOnlyFlag(flags, &opts.Only)
	flags.BoolVar(&opts.OnlyMirrored, "only-mirrored", true, "leave versions out whose image was not relocated")
	flags.StringVar(&opts.Render.KubeVersion, "kube-version", chart.DefaultKubeVersion, "render for this `VERSION` of Kubernetes")
	flags.StringSliceVar(&opts.Render.APIVersions, "api-versions", nil, "render for a cluster that has these `APIS` too, cert-manager.io/v1")
	a.Settings.AddFlags(flags, config.Connection)
	return cmd
}

func renderRelease(ctx context.Context, a *app.App, cfg *config.Config, opts rendering.RenderOptions) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	prepared, err := rendering.Render(ctx, s, opts)
	if err != nil {
		return err
	}
	for _, each := range prepared {
		if _, err = io.WriteString(a.Out, each.Rendering.Manifest()); err != nil {
			return err
		}
	}
	return nil
}
