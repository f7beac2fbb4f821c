package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
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
	view := matrixView{Header: output.NewHeader("Matrix"), Artifacts: make([]matrixRow, len(artifacts))}
	for i, artifact := range artifacts {
		view.Artifacts[i].artifactView = newArtifactView(artifact)
	}
	if !cfg.Registry.IsZero() {
		if err := markMirrored(ctx, a.registries(cfg), artifacts, view.Artifacts); err != nil {
			return err
		}
	}
	if file.given() {
		if err := markBundled(ctx, a, cfg, file, view.Artifacts); err != nil {
			return err
		}
	}
	if err := describe(a, cfg, &view); err != nil {
		return err
	}
	return a.print(cfg, view)
}

// describe adds the product, and tells about its other releases.
func describe(a *app, cfg *config.Config, view *matrixView) error {
	catalogue, err := a.catalogue(cfg)
	if err != nil {
		return err
	}
	product, err := catalogue.Product(cfg.Product)
	if err != nil {
		return err
	}
	view.Product, view.Title = product.Name, product.Title
	for _, release := range product.Releases {
		view.Releases = append(view.Releases, release.Name)
		if release.Note != "" && view.shows(release.Name) {
			a.note("%s: %s", release.Name, release.Note)
		}
	}
	a.note("%s has the releases %s; --release chooses", product.Title, strings.Join(view.Releases, ", "))
	return nil
}

// markMirrored asks the private registry for every artifact's tag.
func markMirrored(ctx context.Context, ends *registries, artifacts []versions.Artifact, rows []matrixRow) error {
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
		mirrored := answer.Presence == holdings.Present
		rows[i].Mirrored = &mirrored
		if mirrored {
			rows[i].Digest = answer.Held.Digest.String()
		}
	}
	return nil
}

// markBundled looks for every artifact in a bundle.
func markBundled(ctx context.Context, a *app, cfg *config.Config, file bundleFile, rows []matrixRow) error {
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
		bundled := inside[artifact.Target.Repository+":"+artifact.Target.Tag]
		rows[i].Bundled = &bundled
	}
	return nil
}

// matrixView is the result of `pgrelocate versions`.
type matrixView struct {
	output.Header
	Product string `json:"product"`
	Title   string `json:"title"`
	// Releases are all that the catalogue knows of the product, newest first.
	Releases []string `json:"releases"`
	// Artifacts are those that are selected.
	Artifacts []matrixRow `json:"artifacts"`
}

type matrixRow struct {
	artifactView
	// Mirrored says whether the private registry has the tag; absent without --registry.
	Mirrored *bool `json:"mirrored,omitempty"`
	// Bundled says whether the bundle has it; absent without --bundle.
	Bundled *bool `json:"bundled,omitempty"`
	// Digest is what the tag holds in the registry.
	Digest string `json:"digest,omitempty"`
}

func (v matrixView) shows(release string) bool {
	for _, row := range v.Artifacts {
		if row.Release == release {
			return true
		}
	}
	return false
}

func (v matrixView) WriteTable(w io.Writer) error {
	titles := []string{"RELEASE", "KIND", "POSTGRESQL", "EDITION", "ARTIFACT"}
	asked := len(v.Artifacts) > 0 && v.Artifacts[0].Mirrored != nil
	if asked {
		titles = append(titles, "MIRRORED")
	}
	opened := len(v.Artifacts) > 0 && v.Artifacts[0].Bundled != nil
	if opened {
		titles = append(titles, "BUNDLED")
	}
	targets := make([]string, len(v.Artifacts))
	for i, row := range v.Artifacts {
		targets[i] = row.Target
	}
	common := folder(targets)
	grid := output.NewGrid(titles...)
	for _, row := range v.Artifacts {
		cells := []any{row.Release, row.Role, strings.Join(row.Versions, ","), row.Edition, within(common, row.Target)}
		if asked {
			cells = append(cells, yesNo(*row.Mirrored))
		}
		if opened {
			cells = append(cells, yesNo(*row.Bundled))
		}
		grid.Row(cells...)
	}
	_, err := grid.WriteTo(w)
	return err
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
