package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

func newManifestsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifests",
		Short: "Look into YAML manifests, and relocate them",
		Long: `Work with plain YAML: Deployments, StatefulSets, CronJobs, custom resources such as a
CloudNativePG Cluster, and what kustomize has built.

FILE|FOLDER is a file with one or several objects, a folder of which all YAML and JSON files
are read, or - for standard input.`,
		Example: `  pgrelocate manifests images db.yaml
  kubectl kustomize overlays/prod | pgrelocate manifests images -`,
		Args: noCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(newManifestsImagesCommand(a), newManifestsRelocateCommand(a))
	for _, sub := range cmd.Commands() {
		sub.Flags().SortFlags = false
	}
	return cmd
}

func newManifestsImagesCommand(a *app) *cobra.Command {
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
		Args: exactArgs("FILE|FOLDER"),
		RunE: a.with(func(_ context.Context, cfg *config.Config, args []string) error {
			found, err := a.session(cfg).ManifestImages(args[0], a.In)
			if err != nil {
				return err
			}
			return a.print(cfg, view.NewManifestImages(found))
		}),
	}
	a.settings.AddFlags(cmd.Flags(), config.Output)
	return cmd
}
