package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/progress"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

func newCopyCommand(a *app) *cobra.Command {
	var dryRun bool
	var lock string
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Copy a release into the private registry",
		Long: `Copy the selected artifacts from the vendor's registry, or from --source, into the
private one. Each distinct layer is fetched and sent once, however many images share it;
what the target holds already is not sent again; tags are put last, so that an
interrupted copy leaves no tag that cannot be pulled. Run the same command again to
carry on.

Digests stay what they are, and signatures, attestations and SBOMs travel along. Where a
tag holds other content at the target, that artifact fails and the tag stays as it is,
unless --on-conflict says otherwise. One failed artifact does not stop the others; all
failures are listed at the end.

A tag that is there proves nothing of its layers: a registry may have lost some. --check
looks for each of them, with one request to the private registry, and what is gone is put
back.

What is relocated stays under its vendor's licence terms.`,
		Example: `  # everything in the newest release
  pgrelocate copy --registry registry.example.com

  # PostgreSQL 17.5 and 16.9 only, without FerretDB, into a folder of your own
  pgrelocate copy --registry registry.example.com/databases --versions 17.5,16.9 --extras none

  # look first
  pgrelocate copy --registry registry.example.com --dry-run

  # put back what the private registry has lost
  pgrelocate copy --registry registry.example.com --check

  # in CI: credentials from the environment, no more than 50 MiB a second
  PGRELOCATE_SOURCE_USERNAME=me@example.com PGRELOCATE_SOURCE_PASSWORD="$TOKEN" \
    pgrelocate copy --registry registry.example.com --limit-rate 50MiB`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			if dryRun {
				return showPlan(ctx, a, cfg)
			}
			if err := copyArtifacts(ctx, a, cfg); err != nil || lock == "" {
				return err
			}
			return writeLock(ctx, a, cfg, lock)
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, `do what "pgrelocate plan" does, and move nothing`)
	cmd.Flags().StringVar(&lock, "lock", "", "afterwards write into `FILE` what the private registry holds of the selection, by digest")
	a.settings.AddFlags(cmd.Flags(), config.Sides, config.Selection, config.Copying, config.Connection, config.Output)
	return cmd
}

func copyArtifacts(ctx context.Context, a *app, cfg *config.Config) error {
	ends := a.registries(cfg)
	defer ends.close()
	sides, planned, err := makePlan(ctx, a, cfg, ends)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, cfg, ends, sides, planned, transfer.Options{})
}

// carryOut does what a plan says, and gives an account of it.
func (a *app) carryOut(ctx context.Context, cfg *config.Config, ends *registries, sides registry.Endpoints, planned *plan.Plan, opts transfer.Options) error {
	report, err := runCopy(ctx, a, cfg, sides, planned, opts)
	if report == nil {
		return err
	}
	account := view.NewCopy(cfg.Registry, report, &ends.fromSource, &ends.toTarget)
	account.Interrupted = err != nil
	if printErr := a.print(cfg, account); printErr != nil {
		return printErr
	}
	failed := a.reportFailures(report)
	if report.Copied+report.Present > 0 {
		a.notices(cfg)
	}
	if err != nil {
		a.note("what is complete stays; run the same command again to carry on")
		return err
	}
	return failed
}

// runCopy carries the plan out and shows how far it has come.
func runCopy(ctx context.Context, a *app, cfg *config.Config, sides registry.Endpoints, planned *plan.Plan, opts transfer.Options) (*transfer.Report, error) {
	if planned.BytesToMove > 0 {
		a.note("copying %s", output.Bytes(planned.BytesToMove))
	}
	meter := &registry.Meter{}
	display := a.progress(cfg, meter)
	defer display.Stop()
	opts.Jobs, opts.Meter = cfg.Jobs, meter
	opts.ArtifactDone = func(r transfer.Result) { a.detail("%s %s", view.Outcome(r), r.Target) }
	return transfer.Copy(ctx, sides, planned, opts)
}

// progress shows a meter as the terminal and the settings allow.
func (a *app) progress(cfg *config.Config, meter *registry.Meter) *progress.Display {
	mode := progress.ModeOf(a.Streams, cfg.Quiet || cfg.NoProgress)
	return progress.Start(progress.Share(a.Err), mode, meter, a.Width)
}

// reportFailures lists what was not copied, and what arrived without all that is attached to
// it, and counts both in an error; nil where all was copied.
// What an interruption kept from being copied needs no reason.
func (a *app) reportFailures(report *transfer.Report) error {
	failed := newFailures(len(report.Results))
	for _, result := range report.Results {
		if result.Err != nil && exit.Code(result.Err) != exit.Interrupted {
			failed.add(a, result.Artifact.Artifact, result.Err)
		}
		if result.Incomplete != nil {
			failed.lacking(a, result.Artifact.Artifact, result.Incomplete)
		}
	}
	return failed.err()
}

// notices says what a user has to know about the software that was relocated.
func (a *app) notices(cfg *config.Config) {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return
	}
	if product, err := catalogue.Product(cfg.Product); err == nil && product.Notice != "" {
		a.note("%s", product.Notice)
	}
}
