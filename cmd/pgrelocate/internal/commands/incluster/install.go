package incluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/rendering"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// InstallFlags are the flags of `pgrelocate install`.
type InstallFlags struct {
	flagset.DestinationFlags
	flagset.PullFlags
	chart rendering.ChartChoice
	install.Options
	Wait   bool
	only   string
	bundle flagset.BundleFlags
	flags  *pflag.FlagSet
}

// NewInstallCommand makes `pgrelocate install`.
func NewInstallCommand(a *app.App) *cobra.Command {
	f := &InstallFlags{}
	cmd := &cobra.Command{
		Use:         "install [FILE...]",
		Short:       "Install the operator from the private registry, or upgrade it",
		Annotations: map[string]string{usage.NoFlag + "create-namespace": "namespaces that are missing are made in any case"},
		Long: `Take a cluster from nothing to an operator that runs from the private registry.

Before anything is changed, the chart is pulled from the private registry and rendered
with values that name it; every image in the manifests has to lie there, but for places
that --accept names; every image is looked up with the credentials that go into the pull
secret; and the cluster is asked for its version, for cert-manager, and whether you may do
what has to be done.

Versions whose image was not relocated are left out, and named, so that nobody can pick
one that cannot be pulled; those that databases use stay. Relocate more and install again
to offer more. --only-mirrored=false offers them all the same, --strict refuses.

Then, step by step: the namespaces, the pull secret in the operator's namespace and in
--instance-namespaces, the CRDs (on upgrades too), and the helm release. What does not
become ready is said with the reason that the node and the registry give. At the end the
installation is verified as "pgrelocate verify" does.

Where a release has several charts, they are installed in their order, each as a helm
release: all but optional ones that were not copied. Values of your own are for the first
of them, or for the one that --only names.

Run it again at any time: it carries on, upgrades, and puts back what was edited by hand.
It does not go back to an older release, or to CRDs that have less than those in the
cluster, unless --allow-downgrade says so.
After Ctrl-C and after a failure it says what state it left.

The pull secret holds the credentials in --pull-credentials-file, or in
PGRELOCATE_PULL_USERNAME and PGRELOCATE_PULL_PASSWORD, or else your own for that registry.`,
		Example: `  pgrelocate install --registry registry.example.com

  # with read-only credentials for the cluster, and two namespaces for databases
  pgrelocate install --registry registry.example.com \
    --pull-credentials-file robot.txt --instance-namespaces demo,prod

  # look first: prints the manifests, changes nothing
  pgrelocate install --registry registry.example.com --dry-run`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &f.bundle, a.Reported("install", &f.DryRun, func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.Destination, f.InstanceNamespaces = flagset.DestinationOf(cfg), cfg.InstanceNamespaces
			return InstallRelease(ctx, a, cfg, f)
		})),
	}
	flags := cmd.Flags()
	f.flags = flags
	a.Settings.AddFlags(flags, flagset.ReleaseSettings)
	a.Settings.AddFlags(flags, config.Access, config.Place, config.PullSecret, config.InstanceNamespaces)
	f.PullFlags.Add(flags)
	flagset.AddChartFlags(flags, &f.chart)
	flagset.AddOnlyFlag(flags, &f.only)
	f.bundle.AddBundleFlag(flags, "take the chart from this `FILE`, and install only if the private registry holds all of it, digest by digest")
	flags.BoolVar(&f.Strict, "strict", false, "refuse where the image of a version was not relocated")
	flags.BoolVar(&f.OnlyMirrored, "only-mirrored", true, "leave versions out whose image was not relocated, but for those that databases use")
	flags.BoolVar(&f.Wait, "wait", true, "wait until the operator is ready")
	flags.DurationVar(&f.Timeout, "timeout", 5*time.Minute, "wait no longer than `TIME`")
	flags.BoolVar(&f.Atomic, "atomic", false, "take back what this run made if it fails, and nothing that was there before")
	flags.BoolVar(&f.Adopt, "adopt", false, "take over what the chart brings, is there already, and belongs to no helm release")
	flags.BoolVar(&f.AllowDowngrade, "allow-downgrade", false, "go back to an older release, or to CRDs that have less; databases may lose what these do not have")
	flags.BoolVar(&f.ForceSecret, "force-secret", false, "take over a pull secret that pgrelocate did not make")
	flags.BoolVar(&f.ForceConflicts, "force-conflicts", false, "take over fields of CRDs that another tool manages")
	flags.BoolVar(&f.DryRun, "dry-run", false, "print manifests and actions, and change nothing")
	a.Settings.AddFlags(flags, []string{"with-prerequisites"}, config.Connection, config.Reports, config.Output)
	return cmd
}

// InstallRelease installs as the flags say, and shows what came of it.
func InstallRelease(ctx context.Context, a *app.App, cfg *config.Config, flags *InstallFlags) error {
	opts, err := flags.options(ctx, a, cfg)
	if err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	installed, err := installing.Install(ctx, s, opts)
	if err != nil {
		a.ListFailures(err)
		return err
	}
	if err := a.Print(cfg, clusters.NewInstall(installed)); err != nil {
		return err
	}
	adviseInstances(a, installed.Run)
	known := installed.Prepared.Unpullable()
	for _, beside := range installed.Beside {
		known = append(known, beside.Prepared.Unpullable()...)
	}
	return verdict(installed.WholeCheck(), known)
}

// options are what the flags say, with the files that they name.
func (f *InstallFlags) options(ctx context.Context, a *app.App, cfg *config.Config) (opts installing.InstallOptions, err error) {
	opts = installing.InstallOptions{Destination: f.Destination, Chart: f.chart, Only: f.only, Run: f.Options}
	if f.Strict && f.OnlyMirrored && f.flags.Changed("only-mirrored") {
		return opts, exit.Usagef("--strict and --only-mirrored exclude each other")
	}
	if err := app.NeedRegistry(cfg); err != nil {
		return opts, err
	}
	if opts.Bundle, err = f.bundle.File(ctx, a); err != nil {
		return opts, err
	}
	opts.PullCredentials, err = f.PullFlags.Given(ctx, a)
	opts.Run.NoWait = !f.Wait
	return opts, err
}

// adviseInstances says what is left to do for databases. Sources disagree on whether an
// instance without imagePullSecret pulls.
func adviseInstances(a *app.App, run install.Options) {
	if run.DryRun || run.Credentials.IsZero() {
		return
	}
	told := false
	for _, kind := range run.Subject.Product.Cluster.Databases {
		if kind.PullSecretAt != "" {
			a.Note("\nnext: databases pull with the secret of their own namespace; set in each %s resource\n"+
				"  %s", kind.Kind, nested(kind.PullSecretAt, run.Subject.PullSecret))
			told = true
		}
	}
	if !told {
		a.Note("\nnext: what runs in other namespaces pulls with the secret of its own namespace")
	}
	if len(run.InstanceNamespaces) == 0 {
		a.Note("and for each of their namespaces run `%s`", secretCommand(run.Subject))
	}
}

// nested writes a value at a path as YAML of one line: "spec: {secrets: [{name: x}]}".
func nested(path, value string) string {
	elements := strings.Split(path, ".")
	text := value
	for i, element := range slices.Backward(elements) {
		key, isList := strings.CutSuffix(element, "[0]")
		if isList {
			text = "[" + text + "]"
		}
		text = key + ": " + text
		if i > 0 {
			text = "{" + text + "}"
		}
	}
	return text
}

// secretCommand makes the pull secret of a namespace, as one of the same release.
func secretCommand(subject preparation.Subject) string {
	command := "pgrelocate secret --namespace NAMESPACE --registry " + subject.Target.Host
	if subject.Product.Name != versions.DefaultProduct {
		command += " --product " + subject.Product.Name
	}
	if subject.Namespace != subject.Product.Cluster.Namespace {
		command += " --operator-namespace " + subject.Namespace
	}
	if subject.HelmRelease != subject.Product.Cluster.HelmRelease {
		command += " --helm-release " + subject.HelmRelease
	}
	if subject.PullSecret != traits.PullSecret(subject.Product) {
		command += " --pull-secret " + subject.PullSecret
	}
	return command
}

// verdict is an error where a check found something wrong that was not known, and said,
// before.
func verdict(check *verify.Check, known []string) error {
	if check == nil {
		return nil
	}
	var problems []*verify.Problem
	for _, problem := range check.Problems() {
		if !slices.Contains(known, problem.Subject) {
			problems = append(problems, problem)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	lines := make([]string, len(problems))
	for i, problem := range problems {
		lines[i] = problem.Text
	}
	return &exit.VerificationError{Err: errors.New(strings.Join(lines, "\n  ")), Advice: advice.For(problems[0])}
}
