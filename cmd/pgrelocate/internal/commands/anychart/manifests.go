package anychart

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/charts"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/images"
)

// NewManifestsCommand makes `pgrelocate manifests`.
func NewManifestsCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifests",
		Short: "Look into YAML manifests, and relocate them",
		Long: `Work with plain YAML: Deployments, StatefulSets, CronJobs, custom resources such as a
CloudNativePG Cluster, and what kustomize has built.

FILE|FOLDER is a file with one or several objects, a folder of which all YAML and JSON files
are read, or - for standard input.`,
		Example: `  pgrelocate manifests images db.yaml
  kubectl kustomize overlays/prod | pgrelocate manifests images -`,
		Args: usage.NoCommand,
		RunE: usage.ShowHelp,
	}
	cmd.AddCommand(newManifestsImagesCommand(a), newManifestsRelocateCommand(a))
	for _, sub := range cmd.Commands() {
		sub.Flags().SortFlags = false
	}
	return cmd
}

func newManifestsImagesCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "images FILE|FOLDER",
		Short: "List every image that manifests name, and where",
		Long: `List every image in whatever string it stands: image fields, environment, arguments,
ConfigMaps, the specs of custom resources. CustomResourceDefinitions are left out.

FILE|FOLDER is a file with one or several objects, a folder of which all YAML and JSON files
are read, or - for standard input. Nothing is changed, and nobody is asked.`,
		Example: `  pgrelocate manifests images deploy/

  # the images alone, for a script
  kubectl kustomize overlays/prod |
    pgrelocate manifests images - -o json | jq -r '.images[].image'`,
		Args: usage.ExactArgs("FILE|FOLDER"),
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			found, err := charts.ManifestImages(ctx, a.Session(cfg), args[0], a.In)
			if err != nil {
				return err
			}
			return a.Print(cfg, images.NewManifestImages(found))
		}),
	}
	a.Settings.AddFlags(cmd.Flags(), config.Output)
	return cmd
}
