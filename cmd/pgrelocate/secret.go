package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// secretOptions are the flags of `pgrelocate secret`.
type secretOptions struct {
	clusterFlags
	pullFlags
	namespaces    []string
	rotate, force bool
}

func newSecretCommand(a *app) *cobra.Command {
	opts := &secretOptions{}
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Create or renew the pull secret in namespaces",
		Long: `Create or update the pull secret for the private registry, in each --namespace that is
to hold databases. A secret of that name that pgrelocate did not make is left alone unless
--force-secret is given.

--rotate puts new credentials into every pull secret that pgrelocate has made for that
registry, in all namespaces: for when a token has changed.

The credentials are those in --pull-credentials-file, or in PGRELOCATE_PULL_USERNAME and
PGRELOCATE_PULL_PASSWORD, or else your own for that registry; they are tried before they
are stored.`,
		Example: `  pgrelocate secret --registry registry.example.com --namespace demo

  # a new token, everywhere
  pgrelocate secret --registry registry.example.com --rotate --pull-credentials-file - < robot.txt`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return applySecrets(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	a.settings.AddFlags(flags, []string{"registry"})
	opts.addAccess(flags)
	flags.StringArrayVarP(&opts.namespaces, "namespace", "n", nil, "put the secret into these `NAMESPACES`, demo,prod; they must exist")
	opts.addPullSecret(flags)
	opts.pullFlags.add(flags)
	flags.BoolVar(&opts.rotate, "rotate", false, "renew the secrets that pgrelocate has made, in all namespaces")
	flags.BoolVar(&opts.force, "force-secret", false, "take over a secret that pgrelocate did not make")
	a.settings.AddFlags(flags, config.Connection, config.Output)
	return cmd
}

func applySecrets(ctx context.Context, a *app, cfg *config.Config, opts *secretOptions) error {
	if err := needRegistry(cfg); err != nil {
		return err
	}
	namespaces := splitNames(opts.namespaces)
	if opts.rotate == (len(namespaces) > 0) {
		return exit.Usagef("either --namespace NAMESPACE, or --rotate for all namespaces")
	}
	login, err := opts.credentials(ctx, a, cfg.Registry.Host)
	if err != nil {
		return err
	}
	if login.IsZero() {
		return exit.Usagef("there are no credentials for %s", cfg.Registry.Host).
			WithHint("log in with `pgrelocate login %s`, or name some with --pull-credentials-file FILE", cfg.Registry.Host)
	}
	if err := tryCredentials(ctx, a, cfg, login); err != nil {
		return err
	}
	connected, err := opts.connect(ctx, a)
	if err != nil {
		return err
	}
	results, err := opts.apply(ctx, connected, cfg.Registry.Host, login, namespaces)
	if len(results) > 0 || err == nil {
		if printErr := a.print(cfg, view.NewSecrets(results)); printErr != nil {
			return printErr
		}
	}
	return err
}

// tryCredentials keeps credentials that the registry refuses out of the cluster.
func tryCredentials(ctx context.Context, a *app, cfg *config.Config, login cluster.Credentials) error {
	ends := a.registries(cfg)
	defer ends.close()
	reg, err := ends.dial(cfg.Registry.Host, login)
	if err != nil {
		return err
	}
	if pinger, ok := reg.(interface{ Ping(context.Context) error }); ok {
		return pinger.Ping(ctx)
	}
	return nil
}

// apply goes on after a failure.
func (o *secretOptions) apply(ctx context.Context, in *cluster.Cluster, host string, login cluster.Credentials, namespaces []string) ([]cluster.SecretResult, error) {
	if o.rotate {
		return in.Rotate(ctx, host, login)
	}
	var results []cluster.SecretResult
	var failures []error
	for _, namespace := range namespaces {
		result, err := in.Apply(ctx, cluster.PullSecret{
			Namespace: namespace, Name: o.pullSecret, Host: host, Credentials: login, Force: o.force,
		})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		results = append(results, result)
	}
	return results, errors.Join(failures...)
}
