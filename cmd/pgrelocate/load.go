package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func newLoadCommand(a *app) *cobra.Command {
	var file bundleFile
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Put a bundle into the private registry",
		Long: `Put what "pgrelocate save" wrote into the private registry. Every byte is checked first:
a bundle that is corrupt, truncated or changed is refused before anything is sent. Then
it is a copy like any other, with the bundle as its source: what the registry has is not
sent again, tags are put last, and a tag that holds other content stays as it is unless
--on-conflict says otherwise.

Image layouts of other tools will do as well, as a tar or as a directory, and so will
archives of "docker save" and the vendor's own download, which needs no token. Of a
volume name any: those that lie beside it are found.`,
		Example: `  pgrelocate load -f pg.tar --registry registry.example.com

  # volumes from two disks
  pgrelocate load -f /media/a/pg.tar.001 -f /media/b/pg.tar.002 --registry registry.example.com

  # only what was signed by us
  pgrelocate load -f pg.tar --public-key minisign.pub --registry registry.example.com

  # the vendor's download
  pgrelocate load -f postgres-for-kubernetes-v4.5.0.tar.gz --registry registry.example.com

  # an image that skopeo wrote under a tag alone
  pgrelocate load -f image.tar --name quay.example.com/team/tool:v1 --registry registry.example.com`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return load(ctx, a, cfg, file, dryRun)
		}),
	}
	file.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would move, and move nothing")
	a.settings.AddFlags(cmd.Flags(), []string{"registry", "on-conflict", "check", "platform", "signatures", "catalogue"}, config.Connection, config.Output)
	return cmd
}

func load(ctx context.Context, a *app, cfg *config.Config, file bundleFile, dryRun bool) error {
	if err := needRegistry(cfg); err != nil {
		return err
	}
	b, err := file.open(ctx, a, cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	if !dryRun {
		a.note("checking %s", output.Bytes(b.Size()))
		if err := a.verifyBundle(ctx, cfg, b); err != nil {
			return err
		}
	}
	ends := a.registries(cfg)
	defer ends.close()
	sides, planned, err := planBundle(ctx, a, cfg, ends, b)
	if err != nil {
		return err
	}
	if dryRun {
		if err := a.print(cfg, view.NewPlan(cfg.Registry, planned)); err != nil {
			return err
		}
		return a.failures(planned)
	}
	// An upload that breaks is read from the bundle again: nothing is kept twice.
	return a.carryOut(ctx, cfg, ends, sides, planned, transfer.Options{NoTempFiles: true})
}

// planBundle asks the private registry what of a bundle it lacks. What a delta leaves
// out has to be there.
func planBundle(ctx context.Context, a *app, cfg *config.Config, ends *registries, b *bundle.Bundle) (registry.Endpoints, *plan.Plan, error) {
	target, err := ends.openTarget(ctx, true)
	if err != nil {
		return registry.Endpoints{}, nil, err
	}
	artifacts := b.Lock().ArtifactsFor(cfg.Registry)
	target.Prepare(repositories(artifacts))
	held, err := b.CheckOmitted(ctx, target, cfg.Registry)
	if err != nil {
		return registry.Endpoints{}, nil, err
	}
	sides := b.Endpoints(target, held)
	a.note("planning %s -> %s", output.Count(len(artifacts), "artifact"), targetFolder(artifacts))
	planned, err := plan.New(ctx, sides, artifacts, plan.Options{
		Platform:           cfg.Platform,
		OnConflict:         cfg.OnConflict,
		Check:              cfg.Check,
		WithoutAttachments: !cfg.Signatures,
	})
	if err != nil {
		return sides, nil, err
	}
	for _, warning := range planned.Warnings {
		a.warn("%s", warning)
	}
	return sides, planned, nil
}

func repositories(artifacts []versions.Artifact) []string {
	all := make([]string, len(artifacts))
	for i, artifact := range artifacts {
		all[i] = artifact.Target.Repository
	}
	return all
}
