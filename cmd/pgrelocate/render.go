package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// renderOptions are the flags of `pgrelocate render`.
type renderOptions struct {
	clusterFlags
	chartFlags
	chart.RenderOptions
	onlyMirrored bool
}

func newRenderCommand(a *app) *cobra.Command {
	opts := &renderOptions{}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the manifests that an install would apply",
		Long: `Render the chart from the private registry with the values that name it, and print the
manifests: CRDs first, hooks last. No cluster is asked. It fails where anything still
names the source registry.`,
		Example: `  pgrelocate render --registry registry.example.com > operator.yaml

  # only versions that were relocated
  pgrelocate render --registry registry.example.com --only-mirrored`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return renderRelease(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	a.settings.AddFlags(flags, releaseSettings)
	opts.addPlace(flags)
	opts.chartFlags.add(flags)
	flags.BoolVar(&opts.onlyMirrored, "only-mirrored", false, "leave versions out whose image was not relocated")
	flags.StringVar(&opts.KubeVersion, "kube-version", chart.DefaultKubeVersion, "render for this `VERSION` of Kubernetes")
	flags.StringSliceVar(&opts.APIVersions, "api-versions", nil, "render for a cluster that has these `APIS` too, cert-manager.io/v1")
	a.settings.AddFlags(flags, config.Connection)
	return cmd
}

func renderRelease(ctx context.Context, a *app, cfg *config.Config, opts *renderOptions) error {
	subject, err := a.subject(cfg, &opts.clusterFlags, opts.chartFlags)
	if err != nil {
		return err
	}
	ends := a.registries(cfg)
	defer ends.close()
	reg, err := ends.openTarget(ctx, false)
	if err != nil {
		return err
	}
	prepared, err := install.Prepare(ctx, subject, reg, opts.RenderOptions)
	if err != nil {
		return err
	}
	if opts.onlyMirrored {
		if err := prepared.Resolve(ctx, reg); err != nil {
			return err
		}
		prepared.OnlyMirrored()
	}
	for _, notice := range prepared.Notices {
		a.warn("%s", notice)
	}
	_, err = io.WriteString(a.Out, prepared.Rendering.Manifest())
	return err
}
