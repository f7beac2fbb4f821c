package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// verifyOptions are the flags of `pgrelocate verify`.
type verifyOptions struct {
	clusterFlags
	instanceNamespaces []string
	deep, pull         bool
	noCluster          bool
	bundle             bundleFile
}

func newVerifyCommand(a *app) *cobra.Command {
	opts := &verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that everything the operator offers can be pulled",
		Long: `Hold a cluster against what was installed: does the operator run, can the image of every
version that a user may pick be pulled with the secret as it is stored in the cluster, is
every version as the release made it, and do the namespaces that hold databases have the
pull secret. It changes nothing, and ends with exit code 5 where something is wrong, so
that a cron job can tell.

--deep asks the registry for every layer of every image as well. --pull proves it on the
nodes: a pod for each image, which runs nothing and is removed at once, judged by whether
the kubelet pulled it; this fills the nodes' disks with those images until they are
cleaned up there.

Without --registry, images may come from the registries that the helm release names.

With --no-cluster, or where a registry is named and there is no kubeconfig, the registry
alone is checked: that it has every tag of the selection, and every manifest and layer
below. With --bundle the digests have to be those of the bundle.`,
		Example: `  pgrelocate verify

  # for a cron job
  pgrelocate verify -o json --quiet

  # is the mirror whole? no cluster is asked
  pgrelocate verify --registry registry.example.com --no-cluster --versions 17.5,16.9

  # let the nodes prove it
  pgrelocate verify --pull`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return verifyInstallation(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	opts.addAccess(flags)
	opts.addPlace(flags)
	flags.StringArrayVar(&opts.instanceNamespaces, "instance-namespaces", nil, "these `NAMESPACES` need the pull secret besides those that have databases, demo,prod")
	flags.BoolVar(&opts.deep, "deep", false, "ask for every layer of every image")
	flags.BoolVar(&opts.pull, "pull", false, "let the nodes pull every image")
	opts.bundle.addBundleFlag(flags, "want the private registry to hold what is in this `FILE`, digest by digest")
	flags.BoolVar(&opts.noCluster, "no-cluster", false, "check the private registry alone: tags, digests and layers of the selection")
	a.settings.AddFlags(flags, []string{"registry"}, config.Selection, config.Connection, config.Output)
	return cmd
}

func verifyInstallation(ctx context.Context, a *app, cfg *config.Config, opts *verifyOptions) error {
	_, product, err := a.product(cfg)
	if err != nil {
		return err
	}
	if opts.bundle.given() {
		if err := needRegistry(cfg); err != nil {
			return err
		}
	}
	opts.complete(product)
	if opts.noCluster {
		return verifyMirror(ctx, a, cfg, opts)
	}
	connected, err := opts.connect(ctx, a)
	if opts.withoutCluster(a, cfg, err) {
		return verifyMirror(ctx, a, cfg, opts)
	}
	if err != nil {
		return err
	}
	ends := a.registries(cfg)
	defer ends.close()
	wrong, differs := a.verifyRegistry(ctx, cfg, ends, opts.bundle)
	if differs != nil && len(wrong) == 0 {
		return differs
	}
	traits := install.TraitsOf(product)
	run := verify.Options{
		Cluster: connected, Dial: ends.dial, Version: traits.Version, Instance: traits.Instance,
		HelmRelease: opts.helmRelease, Namespace: opts.namespace, PullSecret: opts.pullSecret,
		Namespaces: splitNames(opts.instanceNamespaces), Deep: opts.deep, Pull: opts.pull,
	}
	if !cfg.Registry.IsZero() {
		run.Hosts = []string{cfg.Registry.Host}
	}
	check, err := verify.Run(ctx, run)
	if err != nil {
		return errors.Join(differs, err)
	}
	if err := a.print(cfg, view.NewCheck(check).With(wrong)); err != nil {
		return err
	}
	a.note("%s", check.Summary())
	return errors.Join(differs, verdict(check, nil))
}

// verifyRegistry holds the private registry against a bundle, if there is one. It returns
// what holdAgainst does.
func (a *app) verifyRegistry(ctx context.Context, cfg *config.Config, ends *registries, file bundleFile) ([]string, error) {
	if !file.given() {
		return nil, nil
	}
	b, err := file.open(ctx, a, cfg)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	private, err := ends.openTarget(ctx, false)
	if err != nil {
		return nil, err
	}
	return a.holdAgainst(ctx, cfg, private, b.Lock())
}
