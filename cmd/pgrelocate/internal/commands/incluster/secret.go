package incluster

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

// secretFlags are the flags of `pgrelocate secret`.
type secretFlags struct {
	flagset.PlaceFlags
	flagset.PullFlags
	namespaces    []string
	operator      string // its namespace
	rotate, force bool
}

// NewSecretCommand makes `pgrelocate secret`.
func NewSecretCommand(a *app.App) *cobra.Command {
	f := &secretFlags{}
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Create or renew the pull secret in namespaces",
		Long: `Create or update the pull secret for the private registry, in each --namespace that is
to hold databases. A secret of that name that pgrelocate did not make is left alone unless
--force-secret is given. The secret belongs to the operator's helm release: when that is
uninstalled, and no database is left in the namespace, the secret goes with it.

--rotate puts new credentials into every pull secret that pgrelocate has made for that
registry, in all namespaces: for when a token has changed.

The credentials are those in --pull-credentials-file, or in PGRELOCATE_PULL_USERNAME and
PGRELOCATE_PULL_PASSWORD, or else your own for that registry; they are tried before they
are stored.`,
		Example: `  pgrelocate secret --registry registry.example.com --namespace demo

  # a new token, everywhere
  pgrelocate secret --registry registry.example.com --rotate \
    --pull-credentials-file - < robot.txt`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.Place = flagset.PlaceOf(cfg)
			f.Namespace = cmp.Or(f.operator, cfg.Namespace)
			return applySecrets(ctx, a, cfg, f)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, []string{"registry", "product", "catalogue"})
	a.Settings.AddFlags(flags, config.Access)
	flags.StringArrayVarP(&f.namespaces, "namespace", "n", nil, "put the secret into these `NAMESPACES`, demo,prod; they must exist")
	a.Settings.AddFlags(flags, []string{"helm-release"})
	flags.StringVar(&f.operator, "operator-namespace", "", "the `NAMESPACE` of that helm release, which the setting \"namespace\" is else; postgres-system for tanzu")
	a.Settings.AddFlags(flags, config.PullSecret)
	f.PullFlags.Add(flags)
	flags.BoolVar(&f.rotate, "rotate", false, "renew the secrets that pgrelocate has made, in all namespaces")
	flags.BoolVar(&f.force, "force-secret", false, "take over a secret that pgrelocate did not make")
	a.Settings.AddFlags(flags, config.Connection, config.Output)
	return cmd
}

func applySecrets(ctx context.Context, a *app.App, cfg *config.Config, flags *secretFlags) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	opts := relocate.SecretOptions{Place: flags.Place, Namespaces: flagset.SplitNames(flags.namespaces), Force: flags.force}
	if flags.rotate == (len(opts.Namespaces) > 0) {
		return exit.Usagef("either --namespace NAMESPACE, or --rotate for all namespaces")
	}
	var err error
	if opts.PullCredentials, err = flags.PullFlags.Given(ctx, a); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	results, err := s.Secrets(ctx, opts)
	if len(results) > 0 || err == nil {
		if printErr := a.Print(cfg, view.NewSecrets(results)); printErr != nil {
			return printErr
		}
	}
	return err
}
