package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

func newValuesCommand(a *app) *cobra.Command {
	var place clusterFlags
	var offline bool
	cmd := &cobra.Command{
		Use:   "values",
		Short: "Print the chart's values that name the private registry",
		Long: `Print the values, as YAML, that make the chart run from the private registry: for helm,
Argo CD and Flux. Images beside the instances, FerretDB for example, are named where the
registry has them; --offline takes them to be there and asks nobody.`,
		Example: `  pgrelocate values --registry registry.example.com > values.yaml
  helm upgrade --install -n postgres-system postgres-operator \
    oci://registry.example.com/tanzu-sql-postgres/vmware-sql-postgres-operator \
    --version v4.3.1 -f values.yaml`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return printValues(ctx, a, cfg, &place, offline)
		}),
	}
	flags := cmd.Flags()
	a.settings.AddFlags(flags, releaseSettings)
	place.addPullSecret(flags)
	flags.BoolVar(&offline, "offline", false, "do not ask the registry what it has")
	a.settings.AddFlags(flags, config.Connection)
	return cmd
}

func printValues(ctx context.Context, a *app, cfg *config.Config, place *clusterFlags, offline bool) error {
	subject, err := a.subject(cfg, place, chartFlags{})
	if err != nil {
		return err
	}
	ends := a.registries(cfg)
	defer ends.close()
	var reg verify.Puller
	if !offline {
		if reg, err = ends.openTarget(ctx, false); err != nil {
			return err
		}
	}
	values, absent, err := install.RewrittenValues(ctx, subject, reg)
	if err != nil {
		return err
	}
	if len(absent) > 0 {
		a.warn("%s was not relocated and is left out", strings.Join(absent, ", "))
	}
	text, err := chart.FormatValues(values)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}
