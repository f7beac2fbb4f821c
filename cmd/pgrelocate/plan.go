package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

func newPlanCommand(a *app) *cobra.Command {
	var file bundleFlags
	var flags *pflag.FlagSet
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
reason follows.`,
		Example: `  # everything in the newest release
  pgrelocate plan --registry registry.example.com

  # how many bytes would the lite edition be?
  pgrelocate plan --registry registry.example.com --editions lite -o json \
    | jq .bytesToMove

  # what would loading this bundle move?
  pgrelocate plan pg.tar --registry registry.example.com`,
		ValidArgsFunction: fileNames,
		RunE: a.withBundle(&file, func(ctx context.Context, cfg *config.Config, _ []string) error {
			if file.given() {
				return planLoad(ctx, a, cfg, flags, file)
			}
			if err := file.idle(); err != nil {
				return err
			}
			return showPlan(ctx, a, cfg)
		}),
	}
	flags = cmd.Flags()
	file.addBundleFlag(flags, "plan to load this `FILE`, all of it, instead of copying from a registry")
	file.addTargetFlag(flags)
	a.settings.AddFlags(flags, config.Sides, config.Selection, config.Charts, config.Discovery, config.Copying, config.Connection, config.Output)
	return cmd
}

// planLoad plans to load a bundle, all of it. What a config file selects is for registries,
// as it is for load; on the command line it can only be meant for the bundle.
func planLoad(ctx context.Context, a *app, cfg *config.Config, flags *pflag.FlagSet, file bundleFlags) error {
	bundle := "--bundle"
	if !flags.Changed("bundle") {
		bundle = file.files[0]
	}
	for _, name := range slices.Concat(config.Selection, config.Charts, config.Sides) {
		if flags.Changed(name) && name != "registry" && name != "catalogue" {
			return exit.Usagef("--%s does not go with %s: a load takes all that is in it", name, bundle)
		}
	}
	return load(ctx, a, cfg, file, true)
}

func showPlan(ctx context.Context, a *app, cfg *config.Config) error {
	if err := needRegistry(cfg); err != nil {
		return err
	}
	s := a.session(cfg)
	defer s.Close()
	planned, err := s.Plan(ctx)
	return a.showPlanned(cfg, planned, err)
}

func (a *app) showPlanned(cfg *config.Config, planned *relocate.Planned, err error) error {
	if err != nil {
		return err
	}
	if err := a.print(cfg, view.NewPlan(cfg.Registry, planned)); err != nil {
		return err
	}
	a.listFailures(planned.Failures)
	return planned.Failures
}
