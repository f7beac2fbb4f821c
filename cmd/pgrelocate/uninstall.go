package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

func newUninstallCommand(a *app) *cobra.Command {
	var place clusterFlags
	var opts install.UninstallOptions
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the operator and its pull secrets, and keep the databases",
		Long: `Remove the helm release and the pull secrets that pgrelocate has made. CRDs stay, for
every database would go with them, and so do namespaces.

It refuses while databases exist. With --force they go on running, with the pull secret of
their namespace, and nobody looks after them until the operator is installed again.`,
		Example: `  pgrelocate uninstall`,
		Args:    noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return uninstallRelease(ctx, a, cfg, &place, opts)
		}),
	}
	flags := cmd.Flags()
	place.addAccess(flags)
	place.addPlace(flags)
	flags.BoolVar(&opts.Force, "force", false, "uninstall although databases exist")
	flags.DurationVar(&opts.Timeout, "timeout", 5*time.Minute, "wait no longer than `TIME`")
	a.settings.AddFlags(flags, []string{"product", "catalogue"}, config.Output)
	return cmd
}

func uninstallRelease(ctx context.Context, a *app, cfg *config.Config, place *clusterFlags, opts install.UninstallOptions) error {
	_, product, err := a.product(cfg)
	if err != nil {
		return err
	}
	place.complete(product)
	if opts.Cluster, err = place.connect(ctx, a); err != nil {
		return err
	}
	opts.Product, opts.HelmRelease = product, place.helmRelease
	opts.Namespace, opts.PullSecret = place.namespace, place.pullSecret
	removal, err := install.Uninstall(ctx, opts)
	if err != nil {
		return err
	}
	return a.print(cfg, newRemovalView(removal))
}

// removalView is the result of `pgrelocate uninstall`.
type removalView struct {
	output.Header
	HelmRelease string `json:"helmRelease"`
	Namespace   string `json:"namespace"`
	// Removed says that the helm release was there.
	Removed bool `json:"removed"`
	// Secrets were removed, as NAMESPACE/NAME; KeptSecrets belong to databases.
	Secrets     []string `json:"secrets"`
	KeptSecrets []string `json:"keptSecrets"`
	// KeptDefinitions are CRDs and Instances databases, as NAMESPACE/NAME; both stay.
	KeptDefinitions []string `json:"keptDefinitions"`
	Instances       []string `json:"instances"`
}

func newRemovalView(r *install.Removal) removalView {
	view := removalView{
		Header:      output.NewHeader("Uninstall"),
		HelmRelease: r.HelmRelease, Namespace: r.Namespace, Removed: r.Removed,
		Secrets:         append([]string{}, r.Secrets...),
		KeptSecrets:     append([]string{}, r.KeptSecrets...),
		KeptDefinitions: append([]string{}, r.KeptDefinitions...),
		Instances:       []string{},
	}
	for _, instance := range r.Instances {
		view.Instances = append(view.Instances, instance.String())
	}
	return view
}

func (v removalView) WriteTable(w io.Writer) error {
	lines := []string{}
	if v.Removed {
		lines = append(lines, "removed helm release "+v.Namespace+"/"+v.HelmRelease)
	} else {
		lines = append(lines, "there was no helm release "+v.Namespace+"/"+v.HelmRelease)
	}
	for _, each := range []struct {
		what  string
		names []string
	}{
		{"removed secrets", v.Secrets},
		{"kept secrets of databases", v.KeptSecrets},
		{"kept databases", v.Instances},
	} {
		if len(each.names) > 0 {
			lines = append(lines, each.what+": "+strings.Join(each.names, ", "))
		}
	}
	lines = append(lines, "kept the CRDs and the namespace "+v.Namespace)
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}
