package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

func newPlanCommand(a *app) *cobra.Command {
	var file bundleFile
	var flags *pflag.FlagSet
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say what a copy would move, in bytes, and move nothing",
		Long: `Ask both registries what there is and say what "pgrelocate copy" with the same flags
would do: each artifact's state, how many distinct blobs have to move, how many bytes
that is, and how many are at the target already. Nothing is changed.

States: "new" will be copied; "present" is there with the same digest; "attach" is there,
but some of its signatures or SBOMs are not; "update" and "skip" are there with other
content, and --on-conflict says what becomes of them; "failed" cannot be copied, and the
reason follows.`,
		Example: `  # everything in the newest release
  pgrelocate plan --registry registry.example.com

  # how many bytes would the lite edition be?
  pgrelocate plan --registry registry.example.com --editions lite -o json | jq .bytesToMove`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			if file.given() {
				return planLoad(ctx, a, cfg, flags, file)
			}
			return showPlan(ctx, a, cfg)
		}),
	}
	flags = cmd.Flags()
	file.addBundleFlag(flags, "plan to load this `FILE`, all of it, instead of copying from a registry")
	a.settings.AddFlags(flags, config.Sides, config.Selection, config.Copying, config.Connection, config.Output)
	return cmd
}

// planLoad plans to load a bundle, all of it. What a config file selects is for registries,
// as it is for load; on the command line it can only be meant for the bundle.
func planLoad(ctx context.Context, a *app, cfg *config.Config, flags *pflag.FlagSet, file bundleFile) error {
	for _, name := range slices.Concat(config.Selection, config.Sides) {
		if flags.Changed(name) && name != "registry" && name != "catalogue" {
			return exit.Usagef("--%s does not go with --bundle: a load takes all that is in it", name)
		}
	}
	return load(ctx, a, cfg, file, true)
}

func showPlan(ctx context.Context, a *app, cfg *config.Config) error {
	ends := a.registries(cfg)
	defer ends.close()
	_, planned, err := makePlan(ctx, a, cfg, ends)
	if err != nil {
		return err
	}
	if err := a.print(cfg, view.NewPlan(cfg.Registry, planned)); err != nil {
		return err
	}
	return a.failures(planned)
}

// makePlan asks both sides what there is.
func makePlan(ctx context.Context, a *app, cfg *config.Config, ends *registries) (registry.Endpoints, *plan.Plan, error) {
	if err := needRegistry(cfg); err != nil {
		return registry.Endpoints{}, nil, err
	}
	artifacts, err := a.artifacts(cfg)
	if err != nil {
		return registry.Endpoints{}, nil, err
	}
	sides, err := ends.endpoints(ctx, artifacts)
	if err != nil {
		return registry.Endpoints{}, nil, err
	}
	a.note("planning %s: %s -> %s", output.Count(len(artifacts), "artifact"), sourceFolder(artifacts), targetFolder(artifacts))
	planned, err := plan.New(ctx, sides, artifacts, plan.Options{
		Platform:           cfg.Platform,
		OnConflict:         cfg.OnConflict,
		Check:              cfg.Check,
		WithoutAttachments: !cfg.Signatures,
	})
	if err != nil {
		return registry.Endpoints{}, nil, err
	}
	for _, warning := range planned.Warnings {
		a.warn("%s", warning)
	}
	return sides, planned, nil
}

// failures lists what cannot be copied, and counts it in an error; nil where all can.
func (a *app) failures(planned *plan.Plan) error {
	failed := newFailures(len(planned.Artifacts))
	for _, artifact := range planned.Artifacts {
		if artifact.State == plan.StateFailed {
			failed.add(a, artifact.Artifact, artifact.Err)
		} else if artifact.Incomplete != nil {
			failed.lacking(a, artifact.Artifact, artifact.Incomplete)
		}
	}
	return failed.err()
}
