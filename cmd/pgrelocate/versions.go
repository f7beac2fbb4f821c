package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
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
whether it is there already. With --check it is asked for every layer too: "damaged" is
what has its tag and lacks some, and exit code 5 says that there is any.`,
		Example: `  # everything in the newest release
  pgrelocate versions

  # an older release
  pgrelocate versions --release v4.0.0

  # which images of PostgreSQL 16 and newer are already in our registry?
  pgrelocate versions --versions '>=16' --registry registry.example.com

  # is every layer of the newest release really there?
  pgrelocate versions --registry registry.example.com --check`,
		Args: noArgs,
		RunE: a.with(func(ctx context.Context, cfg *config.Config, _ []string) error {
			return listVersions(ctx, a, cfg, file)
		}),
	}
	file.addBundleFlag(cmd.Flags(), "say which artifacts are in this `FILE`")
	a.settings.AddFlags(cmd.Flags(), config.Selection, []string{"registry", "check"}, config.Connection, config.Output)
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
	if cfg.Check {
		if err := needRegistry(cfg); err != nil {
			return err
		}
	}
	var damaged error
	if !cfg.Registry.IsZero() {
		if damaged, err = markMirrored(ctx, a.registries(cfg), artifacts, matrix); err != nil {
			return err
		}
	}
	if file.given() {
		if err := markBundled(ctx, a, cfg, file, matrix); err != nil {
			return err
		}
	}
	a.tellReleases(product, matrix)
	return cmp.Or(a.print(cfg, matrix), damaged)
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

// markMirrored asks the private registry for every artifact's tag, and with --check for all
// that belongs to it. It returns an error that says what is damaged, and another where it could
// not ask.
func markMirrored(ctx context.Context, ends *registries, artifacts []versions.Artifact, matrix view.Matrix) (damaged, err error) {
	defer ends.close()
	target, err := ends.openTarget(ctx, false)
	if err != nil {
		return nil, err
	}
	questions := make([]holdings.Question, len(artifacts))
	for i, artifact := range artifacts {
		questions[i].Ref = artifact.Target
	}
	answers, err := askFor(ctx, ends.cfg.Check, target, questions)
	if err != nil {
		return nil, err
	}
	broken := 0
	for i, answer := range answers {
		switch answer.Presence {
		case holdings.Unknown:
			return nil, answer.Err
		case holdings.Damaged:
			broken++
		}
		matrix.SetHeld(i, answer)
	}
	if broken == 0 {
		return nil, nil
	}
	return &exit.VerificationError{
		Err:    fmt.Errorf("%d of %s are damaged", broken, output.Count(len(artifacts), "artifact")),
		Advice: "pgrelocate copy --check puts back what is gone",
	}, nil
}

// askFor asks for tags, or for everything below them.
func askFor(ctx context.Context, all bool, target *remote.Client, questions []holdings.Question) ([]holdings.Answer, error) {
	if all {
		return holdings.NewInspector(target).Ask(ctx, questions)
	}
	return holdings.Ask(ctx, target, questions)
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
