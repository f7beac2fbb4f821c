package mirror

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/loading"
)

// NewPlanCommand makes `pgrelocate plan`.
func NewPlanCommand(a *app.App) *cobra.Command {
	var file flagset.BundleFlags
	var flags *pflag.FlagSet
	var opts copying.PlanOptions
	cmd := &cobra.Command{
		Use:   "plan [FILE...]",
		Short: "Say what a copy would move, in bytes, and move nothing",
		Long: `Ask both registries what there is and say what "pgrelocate copy" with the same flags
would do: each artifact's state, how many distinct blobs have to move, how many bytes
that is, and how many are at the target already. Nothing is changed.

The chart is rendered as its vendor made it: images that it runs, or lists in its
Chart.yaml, and that are not in the selection are named in one line.

States: "new" will be copied; "present" is there with the same digest; "attach" is there,
but some of its signatures or SBOMs are not; "update" and "skip" are there with other
content, and --on-conflict says what becomes of them; "failed" cannot be copied, and the
reason follows.

With a lock, see "pgrelocate copy", what the private registry holds as the lock says is
present without asking its source, unless --refresh says so.

--plan-out FILE writes the plan down, by digest, for "pgrelocate copy --plan FILE", which
does that and nothing else. What is selected, an image a line, for scripts and xargs, is
what "pgrelocate export images" lists.`,
		Example: `  # everything in the newest release
  pgrelocate plan --registry registry.example.com

  # how many bytes would the lite edition be?
  pgrelocate plan --registry registry.example.com --editions lite -o json \
    | jq .bytesToMove

  # for review; pgrelocate copy --plan plan.json does what it says
  pgrelocate plan --registry registry.example.com --plan-out plan.json

  # what would loading this bundle move?
  pgrelocate plan pg.tar --registry registry.example.com`,
		ValidArgsFunction: flagset.FileNames,
		RunE: flagset.WithBundle(a, &file, func(ctx context.Context, cfg *config.Config, _ []string) error {
			if file.Given() {
				if opts.Out != "" {
					return exit.Usagef("--plan-out is for copies: a bundle says by digest what a load moves")
				}
				return planLoad(ctx, a, cfg, flags, file)
			}
			if err := file.Idle(); err != nil {
				return err
			}
			if opts.OverwriteOut && opts.Out == "" {
				return exit.Usagef("--overwrite is about --plan-out, and no file is named")
			}
			return ShowPlan(ctx, a, cfg, opts)
		}),
	}
	flags = cmd.Flags()
	file.AddBundleFlag(flags, "plan to load this `FILE`, all of it, instead of copying from a registry")
	file.AddTargetFlag(flags)
	addDriftFlags(flags, &opts)
	addPlanOutFlag(flags, &opts)
	flags.BoolVar(&opts.OverwriteOut, "overwrite", false, "let --plan-out replace a file that is there")
	a.Settings.AddFlags(flags, config.Sides, config.Selection, config.Charts, config.Discovery, config.Copying, config.Admission, config.Lock, config.Connection, config.Several, config.Output)
	app.TakesSeveral(cmd)
	return cmd
}

// planLoad plans to load a bundle, all of it. What a config file selects is for registries,
// as it is for load; on the command line it can only be meant for the bundle.
func planLoad(ctx context.Context, a *app.App, cfg *config.Config, flags *pflag.FlagSet, file flagset.BundleFlags) error {
	bundle := "--bundle"
	if !flags.Changed("bundle") {
		bundle = file.Files[0]
	}
	for _, name := range slices.Concat(config.Selection, config.Charts, config.Sides) {
		if flags.Changed(name) && name != "registry" && name != "catalogue" {
			return exit.Usagef("--%s does not go with %s: a load takes all that is in it", name, bundle)
		}
	}
	return ShowPlanOfLoad(ctx, a, cfg, file)
}

// ShowPlan says what a copy would move.
func ShowPlan(ctx context.Context, a *app.App, cfg *config.Config, opts copying.PlanOptions) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	if len(cfg.Others) > 0 {
		several, err := copying.PlanEach(ctx, s, opts)
		return a.ShowPlannedEach(ctx, cfg, several, err)
	}
	planned, err := copying.Plan(ctx, s, opts)
	return a.ShowPlanned(cfg, planned, err)
}

// ShowPlanOfLoad says what loading a bundle would move.
func ShowPlanOfLoad(ctx context.Context, a *app.App, cfg *config.Config, flags flagset.BundleFlags) error {
	return flags.ForRegistry(ctx, a, cfg, func(s *relocate.Session, file relocate.BundleFile) error {
		if len(cfg.Others) > 0 {
			several, err := loading.PlanEach(ctx, s, file)
			return a.ShowPlannedEach(ctx, cfg, several, err)
		}
		planned, err := loading.Plan(ctx, s, file)
		return a.ShowPlanned(cfg, planned, err)
	})
}
