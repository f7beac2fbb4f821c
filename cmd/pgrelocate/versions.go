package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func newVersionsCommand(a *app) *cobra.Command {
	var file bundleFile
	cmd := &cobra.Command{
		Use:   "versions",
		Short: "List what there is, and what is mirrored",
		Long: `List the chart and the images that belong to a release: its operator, one image for
each PostgreSQL version and edition, and what stands beside them. Without flags that is
everything in the newest known release. The flags that select are those of plan and copy,
so that what is listed here is what they would relocate.

Nothing is asked of any registry unless --registry names yours: then each line says
whether it is there already.`,
		Example: `  # everything in the newest release
  pgrelocate versions

  # an older release
  pgrelocate versions --release v4.0.0

  # which images of PostgreSQL 16 and newer are already in our registry?
  pgrelocate versions --versions '>=16' --registry registry.example.com`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return listVersions(ctx, a, cfg, file)
		}),
	}
	file.addBundleFlag(cmd.Flags(), "say which artifacts are in this `FILE`")
	a.settings.AddFlags(cmd.Flags(), config.Selection, []string{"registry"}, config.Connection, config.Output)
	return cmd
}

func listVersions(ctx context.Context, a *app, cfg *config.Config, file bundleFile) error {
	artifacts, err := a.artifacts(cfg)
	if err != nil {
		return err
	}
	_, product, err := a.product(cfg)
	if err != nil {
		return err
	}
	matrix := view.NewMatrix(product, artifacts)
	if !cfg.Registry.IsZero() {
		if err := markMirrored(ctx, a.registries(cfg), artifacts, matrix); err != nil {
			return err
		}
	}
	if file.given() {
		if err := markBundled(ctx, a, cfg, file, matrix); err != nil {
			return err
		}
	}
	a.tellReleases(product, matrix)
	return a.print(cfg, matrix)
}

// tellReleases tells about the product's releases, those that are not shown too.
func (a *app) tellReleases(product *versions.Product, matrix view.Matrix) {
	for _, release := range product.Releases {
		if release.Note != "" && matrix.Shows(release.Name) {
			a.note("%s: %s", release.Name, release.Note)
		}
	}
	a.note("%s has the releases %s; --release chooses", product.Title, strings.Join(matrix.Releases, ", "))
}

// markMirrored asks the private registry for every artifact's tag.
func markMirrored(ctx context.Context, ends *registries, artifacts []versions.Artifact, matrix view.Matrix) error {
	defer ends.close()
	target, err := ends.openTarget(ctx, false)
	if err != nil {
		return err
	}
	questions := make([]holdings.Question, len(artifacts))
	for i, artifact := range artifacts {
		questions[i].Ref = artifact.Target
	}
	answers, err := holdings.Ask(ctx, target, questions)
	if err != nil {
		return err
	}
	for i, answer := range answers {
		if answer.Presence == holdings.Unknown {
			return answer.Err
		}
		if answer.Presence == holdings.Present {
			matrix.SetMirrored(i, true, answer.Held.Digest.String())
		} else {
			matrix.SetMirrored(i, false, "")
		}
	}
	return nil
}

// markBundled looks for every artifact in a bundle.
func markBundled(ctx context.Context, a *app, cfg *config.Config, file bundleFile, matrix view.Matrix) error {
	b, err := file.open(ctx, a, cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	artifacts, err := a.artifacts(withoutTarget(cfg)) // named as a bundle names them
	if err != nil {
		return err
	}
	inside := map[string]bool{}
	for _, locked := range b.Lock().Artifacts {
		inside[locked.Target.Repository+":"+locked.Target.Tag] = true
	}
	for i, artifact := range artifacts {
		matrix.SetBundled(i, inside[artifact.Target.Repository+":"+artifact.Target.Tag])
	}
	return nil
}
