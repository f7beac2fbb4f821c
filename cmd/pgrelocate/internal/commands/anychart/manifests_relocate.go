package anychart

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
)

func newManifestsRelocateCommand(a *app.App) *cobra.Command {
	var opts charts.ManifestRelocation
	cmd := &cobra.Command{
		Use:   "relocate FILE|FOLDER",
		Short: "Copy what manifests name, and change them to name it there",
		Long: `Find every image as "pgrelocate manifests images" does, copy it with all its platforms into
the private registry, and write the manifests with the images' names there. Only the names
change: comments, quotes, order and all other bytes stay. Every string is looked at again:
unless each image lies in the private registry, nothing is moved and nothing written.
--accept names places that stay as they are.

A file's result goes to standard output, or to --output; a folder's to the folder --output,
with all its YAML and JSON files. --in-place writes over what was read. Files are written as
a whole, and never through links. Below --registry an image keeps the path that it has.`,
		Example: `  pgrelocate manifests relocate db.yaml --registry registry.example.com/mirror \
    > relocated.yaml

  # a folder, into another one
  pgrelocate manifests relocate deploy/ --registry registry.example.com/mirror \
    --output relocated/

  # what kustomize builds
  kubectl kustomize overlays/prod |
    pgrelocate manifests relocate - --registry registry.example.com/mirror |
    kubectl apply -f -`,
		Args: usage.ExactArgs("FILE|FOLDER"),
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			opts.Name, opts.Stdin = args[0], a.In
			return relocateManifests(ctx, a, cfg, opts)
		}),
	}
	fs := cmd.Flags()
	a.Settings.AddFlags(fs, []string{"registry"})
	fs.StringVarP(&opts.Output, "output", "o", "", "write to `FILE`, or for a folder to the folder of this name")
	fs.BoolVar(&opts.InPlace, "in-place", false, "write over what was read")
	fs.BoolVar(&opts.Overwrite, "overwrite", false, "let --output replace files")
	fs.Var((*flagset.AcceptFlag)(&opts.Accept), "accept", "let `PLACE`, KIND/NAME:PATH[=REASON], stay as it is; again for more")
	fs.BoolVar(&opts.DryRun, "dry-run", false, "say what would move, and move and write nothing")
	a.Settings.AddFlags(fs, []string{"source-plain-http"}, config.Copying, config.Admission, config.Connection, config.State)
	return cmd
}

func relocateManifests(ctx context.Context, a *app.App, cfg *config.Config, opts charts.ManifestRelocation) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	info, err := os.Stat(opts.Name)
	folder := err == nil && info.IsDir() && opts.Name != "-"
	switch {
	case opts.InPlace && opts.Output != "":
		return exit.Usagef("--in-place and --output exclude each other")
	case opts.InPlace && opts.Name == "-":
		return exit.Usagef("--in-place needs a file, and not standard input")
	case folder && !opts.InPlace && opts.Output == "" && !opts.DryRun:
		return exit.Usagef("where is the folder's result to go? --output FOLDER or --in-place is missing")
	}
	s := a.Session(cfg)
	defer s.Close()
	made, err := charts.RelocateManifests(ctx, s, opts)
	if made == nil {
		return err
	}
	if printErr := tellOfCopy(a, cfg, made.Plan, made.Copied, made.Failures, err); printErr != nil || err != nil {
		return cmp.Or(printErr, err)
	}
	switch {
	case opts.DryRun:
		return made.Failures
	case len(made.Written) > 0:
		a.Note("written: %s", strings.Join(made.Written, ", "))
	case opts.InPlace:
		a.Note("nothing had to change")
	default:
		_, err = a.Out.Write(made.Changed[0])
	}
	return err
}
