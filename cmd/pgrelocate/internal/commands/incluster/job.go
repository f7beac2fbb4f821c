package incluster

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	working "github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/jobs"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/jobs"
)

// NewJobCommand makes `pgrelocate job`, the program at work in a cluster.
func NewJobCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "job COMMAND",
		Short: "Have a cluster do the work",
		Long: `Print the objects by which a cluster runs this program, or put them there with --apply:
a CronJob for a mirror by night, an Indexed Job for a large one, and a CronJob that keeps
pull secrets. The pods are as the restricted Pod Security level wants them: not root, on a
root filesystem that they cannot write to, and without a token for the cluster but where
pull secrets are their work.

The pods run the image that "pgrelocate self push" puts into the private registry. Logins
come from a secret, which --login-secret names and nothing here ever makes or prints:

  kubectl -n NAMESPACE create secret generic pgrelocate-login \
    --type kubernetes.io/dockerconfigjson \
    --from-file .dockerconfigjson=$HOME/.docker/config.json`,
		Example: `  pgrelocate job cron --registry registry.example.com -n mirror --apply
  pgrelocate job mirror --registry registry.example.com -n mirror \
    --plan plan.json --workers 4 --apply`,
		Args: usage.NoCommand,
		RunE: usage.ShowHelp,
	}
	cmd.AddCommand(newJobCronCommand(a), newJobMirrorCommand(a), newJobSecretsCommand(a), newJobWatchCommand(a))
	return cmd
}

// jobFlags are those that all jobs have.
type jobFlags struct {
	opts working.Options
}

func (f *jobFlags) add(fs *pflag.FlagSet, a *app.App, name string) {
	fs.StringVarP(&f.opts.Pod.Namespace, "namespace", "n", "pgrelocate", "make it in this `NAMESPACE`")
	fs.StringVar(&f.opts.Pod.Name, "name", "", "give it this `NAME`; "+name+" if not given")
	fs.StringVar(&f.opts.Pod.Image, "image", "", "run this `IMAGE` of the program instead of that which \"pgrelocate self push\" puts into the private registry")
	fs.StringVar(&f.opts.Pod.Login, "login-secret", "pgrelocate-login", "take the logins to both registries from this `SECRET`, of the type kubernetes.io/dockerconfigjson; empty for none")
	fs.StringVar(&f.opts.Pod.TempSize, "temp-size", "4Gi", "let each pod keep at most `SIZE` of what a broken upload would have to send again")
	fs.BoolVar(&f.opts.Pod.CreateNamespace, "create-namespace", false, "make the namespace too, with the restricted Pod Security level enforced")
	fs.BoolVar(&f.opts.Apply, "apply", false, "put the objects into the cluster instead of printing them")
	a.Settings.AddFlags(fs, config.Access)
}

// copies has the pods copy. Their log is JSON: an event a line.
func (f *jobFlags) copies(more ...string) {
	f.opts.Pod.Args = append([]string{
		"copy", "--config=" + jobs.SettingsPath(jobs.SettingsFile), "--state-dir=" + jobs.StateDir,
		"--events=-", "--quiet", "--status=" + jobs.StatusPath,
	}, more...)
}

// run makes a job, and prints it or says that it is there.
func (f *jobFlags) run(a *app.App, cfg *config.Config, made func(*relocate.Session, working.Options) (*working.Made, error)) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	opts := f.opts
	opts.Destination, opts.Settings, opts.Version = flagset.DestinationOf(cfg), a.Settings.Values(), a.Build.Version
	s := a.Session(cfg)
	defer s.Close()
	job, err := made(s, opts)
	if err != nil {
		return err
	}
	if job.OwnImage != "" {
		a.Note("the pods' image is %s: pgrelocate self push puts it there", job.OwnImage)
	}
	if opts.Apply {
		for _, kind := range job.Kinds() {
			a.Note("applied %s", kind)
		}
		return nil
	}
	text, err := jobs.YAML(job.Objects)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

func newJobCronCommand(a *app.App) *cobra.Command {
	f, schedule := &jobFlags{}, ""
	cmd := &cobra.Command{
		Use:   "cron",
		Short: "A CronJob that copies the selection, by night",
		Long: `A CronJob that runs "pgrelocate copy" with the settings of this command. Files that they
name, catalogues, authorities, keys, go along in a ConfigMap.`,
		Example: `  pgrelocate job cron --registry registry.example.com -n mirror > mirror.yaml

  pgrelocate job cron --registry registry.example.com --versions 17,16 \
    -n mirror --schedule "17 2 * * *" --create-namespace --apply`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			f.copies()
			return f.run(a, cfg, func(s *relocate.Session, opts working.Options) (*working.Made, error) {
				return working.Nightly(ctx, s, opts, schedule)
			})
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	a.Settings.AddFlags(fs, config.Sides, config.Selection, config.Charts, config.Discovery)
	fs.StringVar(&schedule, "schedule", "17 2 * * *", "run it at these `TIMES`, as cron writes them")
	f.add(fs, a, "mirror")
	a.Settings.AddFlags(fs, config.Copying, config.Attesting, config.Admission, config.Connection)
	return cmd
}

func newJobMirrorCommand(a *app.App) *cobra.Command {
	f, mirror := &jobFlags{}, working.MirrorOptions{}
	cmd := &cobra.Command{
		Use:   "mirror",
		Short: "An Indexed Job that carries a plan out in several pods",
		Long: `An Indexed Job that carries a plan out, each of its --workers a part: see docs/jobs.md. The
last that is done puts the tags. Kubernetes tries again what fails, each part by itself;
what no retry mends, a wrong setting or a drift, fails at once.

The plan goes into a ConfigMap that cannot be changed. One that is too large for that lies
on a volume, as plan.json, which --plan-claim names; --plan is read here all the same.`,
		Example: `  pgrelocate plan --registry registry.example.com --plan-out plan.json
  pgrelocate job mirror --registry registry.example.com -n mirror \
    --plan plan.json --workers 4 --name first --apply
  pgrelocate job watch first -n mirror`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			if mirror.Plan == "" {
				return exit.Usagef("which plan? --plan FILE is missing").WithHint("pgrelocate plan --plan-out FILE writes one")
			}
			f.copies("--plan="+jobs.PlanPath, fmt.Sprintf("--shard=index/%d", mirror.Workers))
			return f.run(a, cfg, func(s *relocate.Session, opts working.Options) (*working.Made, error) {
				return working.Mirror(ctx, s, opts, mirror)
			})
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	a.Settings.AddFlags(fs, config.Sides)
	fs.StringVar(&mirror.Plan, "plan", "", "carry out the plan in `FILE`")
	fs.IntVar(&mirror.Workers, "workers", 4, "cut it into `N` parts, and run as many pods at once")
	fs.IntVar(&mirror.Retries, "retries", 3, "try each part again `N` times at most")
	fs.StringVar(&mirror.Claim, "plan-claim", "", "have pods read the plan from this persistent volume `CLAIM`, as plan.json")
	f.add(fs, a, "mirror- and digits that go with the plan")
	a.Settings.AddFlags(fs, []string{"product", "catalogue", "check"}, config.Attesting, config.Admission, config.Connection)
	return cmd
}

func newJobSecretsCommand(a *app.App) *cobra.Command {
	f, selector, secrets := &jobFlags{}, "", jobs.SecretsOptions{}
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "A CronJob that gives namespaces their pull secret, and renews it",
		Long: `A CronJob that gives each namespace with the labels of --watch-namespaces its pull secret,
and renews all when what --pull-credentials-secret holds has changed: under the key
"credentials" it has what "pgrelocate secret --pull-credentials-file" reads. Its account
may list namespaces, read and change secrets of that one name, and create secrets: a rule
for creating knows no names.`,
		Example: `  pgrelocate job secrets --registry registry.example.com -n mirror \
    --watch-namespaces databases=postgres \
    --pull-credentials-secret robot --apply`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			if err := checkSecrets(selector, secrets); err != nil {
				return err
			}
			f.opts.Pod.Args = []string{
				"secret", "--config=" + jobs.SettingsPath(jobs.SettingsFile), "--watch-namespaces=" + selector, "--once",
				"--pull-credentials-file=" + jobs.CredentialsPath,
			}
			return f.run(a, cfg, func(s *relocate.Session, opts working.Options) (*working.Made, error) {
				return working.Secrets(ctx, s, opts, secrets)
			})
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	a.Settings.AddFlags(fs, []string{"registry", "product", "catalogue"})
	fs.StringVar(&selector, "watch-namespaces", "", "give every namespace with these `LABELS`, databases=postgres, its secret")
	fs.StringVar(&secrets.Credentials, "pull-credentials-secret", "", "take what goes into the pull secrets from the key \"credentials\" of this `SECRET`")
	fs.StringVar(&secrets.Schedule, "schedule", "*/5 * * * *", "look at these `TIMES`, as cron writes them")
	a.Settings.AddFlags(fs, config.PullSecret, []string{"helm-release"})
	f.add(fs, a, "pull-secrets")
	a.Settings.AddFlags(fs, config.Connection)
	return cmd
}

func checkSecrets(selector string, opts jobs.SecretsOptions) error {
	switch {
	case selector == "":
		return exit.Usagef("which namespaces? --watch-namespaces LABELS is missing")
	case opts.Credentials == "":
		return exit.Usagef("with which login? --pull-credentials-secret SECRET is missing")
	}
	if err := cluster.CheckSelector(selector); err != nil {
		return exit.Usagef("--watch-namespaces: %w", err)
	}
	return nil
}

func newJobWatchCommand(a *app.App) *cobra.Command {
	namespace, dryRun := "", false
	cmd := &cobra.Command{
		Use:   "watch NAME",
		Short: "Watch a job until it ends: one bar for all its pods",
		Long: `Watch a job that "pgrelocate job" has made until it ends: one bar for all its pods on a
terminal, lines in a log, and with --events - a line of JSON each. Of each part it says
what becomes of it: that it has failed, and why, and whether Kubernetes tries it again. The
exit code is 0 where the job has succeeded, and 3 where parts of it have failed for good,
with what each has left. It reads jobs, pods and their logs, and changes nothing: Ctrl-C
ends the watching alone.`,
		Example: "  pgrelocate job watch first -n mirror",
		Args:    usage.ExactArgs("NAME"),
		RunE: a.With(a.Reported("job watch", &dryRun, func(ctx context.Context, cfg *config.Config, args []string) error {
			s := a.Session(cfg)
			defer s.Close()
			seen, err := working.Watch(ctx, s, flagset.DestinationOf(cfg), namespace, args[0])
			if seen == nil {
				return err
			}
			if printErr := a.Print(cfg, clusters.NewJob(seen)); printErr != nil {
				return printErr
			}
			a.ListFailures(err)
			return err
		})),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&namespace, "namespace", "n", "pgrelocate", "the `NAMESPACE` of the job")
	a.Settings.AddFlags(fs, config.Access, config.Reports, config.Output)
	return cmd
}
