package mirror

import (
	"context"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

const copyLong = `Copy the selected artifacts from the vendor's registry, or from --source, into the
private one. Each distinct layer is fetched and sent once, however many images share it;
what the target holds already is not sent again; tags are put last, so that an
interrupted copy leaves no tag that cannot be pulled. Run the same command again to
carry on.

Digests stay what they are, and signatures, attestations and SBOMs travel along. Where a
tag holds other content at the target, that artifact fails and the tag stays as it is,
unless --on-conflict says otherwise. One failed artifact does not stop the others; all
failures are listed at the end.

A tag that is there proves nothing of its layers: a registry may have lost some. --check
looks for each of them, with one request to the private registry, and for those of what is
attached; what is gone is put back.

A release that the catalogue lacks, --release v4.5.0, is looked for at the source: its
chart, rendered, says which PostgreSQL versions it has. What cannot be found out is an
error; --known-only looks nowhere.

--lock FILE writes down what was relocated, by digest, to be kept and reviewed beside the
deployment. pgrelocate.lock in the working directory is taken without being named. A run
with a lock asks the private registry alone about what has not changed, once an artifact;
--refresh asks the source too. Where the vendor has pushed a tag anew, or somebody has
moved one in the private registry, that artifact fails with both digests, and the exit
code is 6. --allow-drift takes what the source has now, and --on-conflict update puts back
what the lock says. --locked does nothing that would change the lock. See docs/lock.md.

With --verify-key, or --verify-identity, --verify-issuer and --trusted-root, only what is
signed is copied, and with --min-age only what is old enough, by its vendor's word: see
docs/signatures.md. What is not fails, before anything of it is moved, with exit code 5.

--plan-out FILE writes down, by digest, what the copy would do, and moves nothing;
--plan FILE does that and nothing else, however the catalogue and the settings read by
then. What has another digest at the source than was reviewed, or a tag in the private
registry that has been moved since, fails with both digests, and the exit code is 6.

--shard I/N carries out a part of --plan FILE, so that several machines share the work: each
computes the same cut from the same plan, moves its part without tags, and whichever finds
that all the others are done puts the tags. "pgrelocate job mirror" does so in a cluster;
docs/jobs.md says how the plan is cut, and what is to be known of it.

--images FILE copies what a list names: an image a line, dt's Images.lock or imgpkg's
ImagesLock. Each keeps its path below --registry's folder. Where the list has a digest the
source has to have that, whatever its tag is now.

--registry may be named several times: each layer is fetched once and sent to each
registry. Each fails by itself and has a lock of its own, called after FILE and its name;
none waits for a slower one. The exit code is the worst of them. See
docs/several-registries.md.

What is relocated stays under its vendor's licence terms.`

const copyExamples = `  # everything in the newest release
  pgrelocate copy --registry registry.example.com

  # PostgreSQL 17.5 and 16.9 only, without FerretDB, into a folder of your own
  pgrelocate copy --registry registry.example.com/databases \
    --versions 17.5,16.9 --extras none

  # look first
  pgrelocate copy --registry registry.example.com --dry-run

  # into two registries, from one reading of the vendor's
  pgrelocate copy --registry east.example.com --registry west.example.com

  # what another tool has listed
  pgrelocate copy --registry registry.example.com/mirror --images images.txt

  # put back what the private registry has lost
  pgrelocate copy --registry registry.example.com --check

  # only what the vendor has signed, and made two days ago or earlier
  pgrelocate copy --registry registry.example.com \
    --verify-key cosign.pub --min-age 48h

  # write a lock; from then on it is held against it, and brought up to date
  pgrelocate copy --registry registry.example.com --lock pgrelocate.lock

  # what was reviewed is what is moved
  pgrelocate copy --registry registry.example.com --plan-out plan.json
  pgrelocate copy --registry registry.example.com --plan plan.json

  # on three machines: each its part, from the same plan
  pgrelocate copy --registry registry.example.com --plan plan.json --shard 1/3

  # in CI: credentials from the environment, no more than 50 MiB a second
  PGRELOCATE_SOURCE_USERNAME=me PGRELOCATE_SOURCE_PASSWORD="$TOKEN" \
    pgrelocate copy --registry registry.example.com --limit-rate 50MiB`

// NewCopyCommand makes `pgrelocate copy`.
func NewCopyCommand(a *app.App) *cobra.Command {
	var dryRun bool
	var part string
	var opts copying.CopyOptions
	cmd := &cobra.Command{
		Use:     "copy",
		Short:   "Copy a release into the private registry",
		Long:    copyLong,
		Example: copyExamples,
		Args:    usage.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range slices.Concat(config.Selection, config.Charts, config.Discovery) {
				if opts.Images != "" && cmd.Flags().Changed(name) {
					return exit.Usagef("--images and --%s exclude each other: the list says what is copied", name)
				}
			}
			if cmd.Flags().Changed("shard") {
				var err error
				if opts.Shard, err = shard.Parse(part, os.Getenv); err != nil {
					return exit.Usagef("--shard: %w", err)
				}
				if opts.Reviewed == "" {
					return exit.Usagef("--shard is a part of a plan, which says what everything is by digest: --plan FILE is missing").
						WithHint("pgrelocate plan --plan-out FILE writes one")
				}
			}
			dryRun = dryRun || opts.Out != ""
			return besidePlan(cmd.Flags(), opts.Reviewed)
		},
		RunE: a.With(a.Reported("copy", &dryRun, func(ctx context.Context, cfg *config.Config, _ []string) error {
			if dryRun {
				opts.OverwriteOut = opts.Overwrite
				return ShowPlan(ctx, a, cfg, opts.PlanOptions)
			}
			if opts.Overwrite && cfg.Lock == "" {
				return exit.Usagef("--overwrite is about --lock, and none is named")
			}
			if opts.Locked && (opts.AllowDrift || opts.Overwrite) {
				return exit.Usagef("--locked changes nothing about the lock; --allow-drift and --overwrite do")
			}
			return CopyRelease(ctx, a, cfg, opts)
		})),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, `do what "pgrelocate plan" does, and move nothing`)
	cmd.Flags().StringVar(&opts.Images, "images", "", "copy the images that `FILE` lists instead of a selection: images.txt, dt's Images.lock or imgpkg's ImagesLock")
	addDriftFlags(cmd.Flags(), &opts.PlanOptions)
	addPlanOutFlag(cmd.Flags(), &opts.PlanOptions)
	cmd.Flags().StringVar(&opts.Reviewed, "plan", "", "copy what the plan in `FILE` says, and nothing else")
	cmd.Flags().StringVar(&part, "shard", "", "with --plan, copy the part `I/N`, 1/4, of it, or index/N in an Indexed Job; \"tags\" puts the tags of all parts")
	cmd.Flags().BoolVar(&opts.Locked, "locked", false, "fail, and move nothing, where the lock would have to change")
	cmd.Flags().BoolVar(&opts.Overwrite, "overwrite", false, "let --lock replace a file that is no lock, or that of another registry, and --plan-out any file")
	a.Settings.AddFlags(cmd.Flags(), config.Sides, config.Selection, config.Charts, config.Discovery, config.Copying, config.Attesting, config.Admission, config.Lock, config.Connection, config.Several, config.State, config.Reports, config.Output)
	app.TakesSeveral(cmd)
	return cmd
}

// besidePlan refuses what has been settled in the plan that is carried out.
func besidePlan(flags *pflag.FlagSet, reviewed string) error {
	if reviewed == "" {
		return nil
	}
	settled := []string{"on-conflict", "platform", "index", "signatures", "images", "allow-drift", "locked", "dry-run", "plan-out"}
	if flags.Changed("source") {
		return exit.Usagef("--plan and --source exclude each other: the plan says of each artifact where it comes from").
			WithHint("leave --source out; if it is there for a login, PGRELOCATE_SOURCE says which registry gets the one in PGRELOCATE_SOURCE_PASSWORD")
	}
	for _, name := range slices.Concat(config.Selection, config.Charts, config.Discovery, settled) {
		if flags.Changed(name) && name != "catalogue" {
			return exit.Usagef("--plan and --%s exclude each other: what the plan says is done, and nothing else", name)
		}
	}
	return nil
}

func addPlanOutFlag(flags *pflag.FlagSet, opts *copying.PlanOptions) {
	flags.StringVar(&opts.Out, "plan-out", "", "write the plan to `FILE`, for copy --plan, and move nothing")
}

// addDriftFlags says what of a lock is taken for granted.
func addDriftFlags(flags *pflag.FlagSet, opts *copying.PlanOptions) {
	flags.BoolVar(&opts.Refresh, "refresh", false, "with a lock, ask the source too about what the target holds as the lock says")
	flags.BoolVar(&opts.AllowDrift, "allow-drift", false, "take what the source has now where the lock says something else")
}

// CopyRelease copies what the settings select, and shows what came of it.
func CopyRelease(ctx context.Context, a *app.App, cfg *config.Config, opts copying.CopyOptions) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	if len(cfg.Others) > 0 {
		return copyToSeveral(ctx, a, cfg, s, opts)
	}
	copied, err := copying.Copy(ctx, s, opts)
	if copied != nil {
		defer tellReleases(a, s, copied)
	}
	return a.Account(cfg, s, copied, err)
}

// copyToSeveral is CopyRelease for several private registries.
func copyToSeveral(ctx context.Context, a *app.App, cfg *config.Config, s *relocate.Session, opts copying.CopyOptions) error {
	if opts.Shard != (shard.Choice{}) {
		return exit.Usagef("--shard is a part of a plan for one private registry, and %d are named", len(cfg.Registries()))
	}
	several, err := copying.CopyEach(ctx, s, opts)
	if several != nil {
		newer := &copying.Copied{}
		for _, t := range several.Targets {
			if t.Copied != nil && t.Copied.Newer != "" {
				newer = t.Copied
			}
		}
		defer tellReleases(a, s, newer)
	}
	return a.AccountEach(ctx, cfg, s, several, err)
}

// tellReleases says what there is to know of releases that the catalogue lacks.
func tellReleases(a *app.App, s *relocate.Session, copied *copying.Copied) {
	for _, release := range s.Learned() {
		a.Note("where the source is out of reach, the catalogue has to know %s: pgrelocate versions export --release %s -f FILE, and --catalogue FILE there", release, release)
	}
	if copied.Newer != "" {
		a.Note("the source has %s, which the catalogue does not know: pgrelocate versions --discover", copied.Newer)
	}
}
