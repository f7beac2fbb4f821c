package incluster

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
)

// secretFlags are the flags of `pgrelocate secret`.
type secretFlags struct {
	flagset.DestinationFlags
	flagset.PullFlags
	namespaces    []string
	operator      string // its namespace
	rotate, force bool
	vendorHosts   bool
	watch         string // a selector of labels
	once          bool
	every         time.Duration
	external      string // STORE=KEY
}

// NewSecretCommand makes `pgrelocate secret`.
func NewSecretCommand(a *app.App) *cobra.Command {
	f := &secretFlags{}
	printing := false // -o yaml on the command line, where it is about this command
	cmd := &cobra.Command{
		PreRun: func(cmd *cobra.Command, _ []string) { printing = cmd.Flags().Changed("output") },
		Use:    "secret",
		Short:  "Create or renew the pull secret in namespaces",
		Long: `Create or update the pull secret for the private registry, in each --namespace that is
to hold databases. A secret of that name that pgrelocate did not make is left alone unless
--force-secret is given. The secret belongs to the operator's helm release: when that is
uninstalled, and no database is left in the namespace, the secret goes with it.

--rotate puts new credentials into every pull secret that pgrelocate has made for that
registry, in all namespaces: for when a token has changed.

--watch-namespaces LABELS goes on until it is ended: each namespace with these labels gets
its secret as it comes, and all are renewed when what --pull-credentials-file holds has
changed. That is what a Deployment in the cluster runs.

-o yaml changes no cluster, and prints the secrets as manifests, for SealedSecrets and
SOPS to encrypt. THESE HOLD THE PASSWORD, in base64: let them go through a pipe, and
keep them out of logs and repositories. With --external-secret what is printed holds
none: it tells External Secrets where in its store the docker config is.

--vendor-hosts makes a secret good for the vendor's hosts too: see "pgrelocate nodes".

The credentials are those in --pull-credentials-file, or in PGRELOCATE_PULL_USERNAME and
PGRELOCATE_PULL_PASSWORD, or else your own for that registry; they are tried before they
are stored. A password that works for some hours only, as those of ECR, Google and Azure
do, is warned of.`,
		Example: `  pgrelocate secret --registry registry.example.com --namespace demo

  # a new token, everywhere
  pgrelocate secret --registry registry.example.com --rotate \
    --pull-credentials-file - < robot.txt

  # sealed, for a repository
  pgrelocate secret --registry registry.example.com -n demo -o yaml |
    kubeseal --format yaml > sealed.yaml

  # every namespace that is labelled for it, now and later
  pgrelocate secret --registry registry.example.com \
    --watch-namespaces databases=postgres \
    --pull-credentials-file /run/secrets/robot`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.Destination = flagset.DestinationOf(cfg)
			f.Namespace = cmp.Or(f.operator, cfg.Namespace)
			return makeSecrets(ctx, a, cfg, f, printing)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, []string{"registry", "product", "release", "catalogue"})
	a.Settings.AddFlags(flags, config.Access)
	flags.StringArrayVarP(&f.namespaces, "namespace", "n", nil, "put the secret into these `NAMESPACES`, demo,prod; they must exist")
	a.Settings.AddFlags(flags, []string{"helm-release"})
	flags.StringVar(&f.operator, "operator-namespace", "", "the `NAMESPACE` of that helm release, which the setting \"namespace\" is else; postgres-system for tanzu")
	a.Settings.AddFlags(flags, config.PullSecret)
	f.PullFlags.Add(flags)
	flags.BoolVar(&f.rotate, "rotate", false, "renew the secrets that pgrelocate has made, in all namespaces")
	flags.StringVar(&f.watch, "watch-namespaces", "", "give every namespace with these `LABELS`, databases=postgres, its secret, now and later, until this is ended")
	flags.BoolVar(&f.once, "once", false, "with --watch-namespaces, go through the namespaces that there are, and end: for a CronJob, see pgrelocate job secrets")
	flags.DurationVar(&f.every, "every", 5*time.Minute, "with --watch-namespaces, read the credentials again each `TIME` at least")
	flags.StringVar(&f.external, "external-secret", "", "with -o yaml, print what makes External Secrets take the docker config from `STORE=KEY`, a ClusterSecretStore and a key in it; from a SecretStore if written namespaced/STORE=KEY")
	flags.BoolVar(&f.vendorHosts, "vendor-hosts", false, "make it good for the vendor's hosts too, for nodes that lead them to the private registry")
	flags.BoolVar(&f.force, "force-secret", false, "take over a secret that pgrelocate did not make")
	a.Settings.AddFlags(flags, config.Connection, config.Output)
	return cmd
}

// makeSecrets does what the flags say of the four things that there are.
func makeSecrets(ctx context.Context, a *app.App, cfg *config.Config, f *secretFlags, printing bool) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	opts := pulling.SecretOptions{Destination: f.Destination, Namespaces: flagset.SplitNames(f.namespaces), VendorHosts: f.vendorHosts, Force: f.force}
	if printing = printing && cfg.Output == output.YAML; printing {
		a.PrintsItself()
	}
	if err := f.check(opts, printing); err != nil {
		return err
	}
	if f.watch != "" {
		return watchSecrets(ctx, a, cfg, f, opts)
	}
	var err error
	if opts.Credentials, err = f.PullFlags.Given(ctx, a); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	switch {
	case printing:
		return printSecrets(ctx, a, s, f, opts)
	default:
		results, err := pulling.Secrets(ctx, s, opts)
		if len(results) > 0 || err == nil {
			if printErr := a.Print(cfg, clusters.NewSecrets(results)); printErr != nil {
				return printErr
			}
		}
		return err
	}
}

// check finds flags that do not go together.
func (f *secretFlags) check(opts pulling.SecretOptions, printing bool) error {
	ways := 0
	for _, given := range []bool{f.rotate, len(opts.Namespaces) > 0, f.watch != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return exit.Usagef("either --namespace NAMESPACE, or --rotate for all namespaces, or --watch-namespaces LABELS")
	case f.external != "" && !printing:
		return exit.Usagef("--external-secret prints manifests: -o yaml is missing")
	case printing && len(opts.Namespaces) == 0:
		return exit.Usagef("-o yaml prints secrets: it needs --namespace NAMESPACE")
	case f.once && f.watch == "":
		return exit.Usagef("--once is about --watch-namespaces, which is missing")
	case f.watch != "" && f.FromStdin():
		return exit.Usagef("--watch-namespaces reads the credentials again and again, and standard input can be read once")
	case f.watch != "" && f.every < time.Second:
		return exit.Usagef("--every: %s is too short; at least 1s", f.every)
	}
	if err := cluster.CheckSelector(f.watch); err != nil {
		return exit.Usagef("--watch-namespaces: %w", err)
	}
	return checkNames(opts)
}

// checkNames finds names that no cluster has: what is printed may be applied much later, by others.
func checkNames(opts pulling.SecretOptions) error {
	for _, namespace := range opts.Namespaces {
		if err := cluster.CheckLabel("namespace", namespace); err != nil {
			return &exit.UsageError{Err: err}
		}
	}
	if opts.Destination.PullSecret == "" { // the product's
		return nil
	}
	if err := cluster.CheckName("pull secret", opts.Destination.PullSecret); err != nil {
		return &exit.UsageError{Err: err}
	}
	return nil
}

// printSecrets prints manifests. What is secret in them is what was asked for: nothing is hidden.
func printSecrets(ctx context.Context, a *app.App, s *relocate.Session, f *secretFlags, opts pulling.SecretOptions) error {
	var text []byte
	from, err := remoteKey(f.external)
	switch {
	case err != nil:
	case f.external != "":
		text, err = pulling.ExternalSecrets(ctx, s, opts, from)
	default:
		text, err = pulling.Manifests(ctx, s, opts)
	}
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

// remoteKey reads [namespaced/]STORE=KEY.
func remoteKey(text string) (pulling.RemoteKey, error) {
	if text == "" {
		return pulling.RemoteKey{}, nil
	}
	store, key, ok := strings.Cut(text, "=")
	store, namespaced := strings.CutPrefix(store, "namespaced/")
	if !ok || store == "" || key == "" {
		return pulling.RemoteKey{}, exit.Usagef("--external-secret: write STORE=KEY, the name of a ClusterSecretStore and a key in it")
	}
	return pulling.RemoteKey{Store: store, Namespaced: namespaced, Key: key}, nil
}

func watchSecrets(ctx context.Context, a *app.App, cfg *config.Config, f *secretFlags, opts pulling.SecretOptions) error {
	s := a.Session(cfg)
	defer s.Close()
	return pulling.Watch(ctx, s, opts, pulling.WatchOptions{
		Selector: f.watch, Every: f.every, Once: f.once,
		Credentials: func(ctx context.Context) (*pulling.Credentials, error) { return f.PullFlags.Given(ctx, a) },
	}, func(changed []pullsecret.Result) {
		for _, r := range changed {
			a.Note("secret %s in namespace %s %s", r.Name, r.Namespace, r.Change)
		}
	})
}
