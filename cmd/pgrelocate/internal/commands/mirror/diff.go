package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/comparing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
)

// NewDiffCommand makes `pgrelocate diff`.
func NewDiffCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare locks, bundles, registries and a cluster",
		Long: `Compare what any two of these have, artifact by artifact and by digest:

  FILE        a lock, a receipt or a bundle
  source:     the registries that the artifacts come from, or --source
  registry:   the private registry, --registry
  cluster:    what workloads, databases and catalogs refer to, --context

Where one side is a file, the other is asked about what that names; otherwise about what
the flags select. Registries and folders are left out of the comparison, so that locks of
two registries can be compared. Attachments are compared where both sides are files.

A cluster need not use everything: what it does not refer to is counted, and is no
difference. What it refers to without a digest is compared by name. Images of other
repositories than the artifacts' are left out.

The exit code is 6 where the sides differ, and 0 where they do not. Nothing is changed.`,
		Example: `  # what has changed in the lock that is to be merged?
  pgrelocate diff old.lock pgrelocate.lock

  # does the private registry hold what the lock says?
  pgrelocate diff pgrelocate.lock registry: --registry registry.example.com

  # does the cluster run anything else?
  pgrelocate diff pgrelocate.lock cluster: --registry registry.example.com

  # has the vendor pushed a tag anew?
  pgrelocate diff pgrelocate.lock source:`,
		Args:              usage.ExactArgs("A", "B"),
		ValidArgsFunction: flagset.FileNames,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, args []string) error {
			return diff(ctx, a, cfg, comparing.Options{First: args[0], Second: args[1], Destination: flagset.DestinationOf(cfg)})
		}),
	}
	a.Settings.AddFlags(cmd.Flags(), config.Sides, config.Selection, []string{"with-prerequisites"}, config.Access, config.Connection, config.Output)
	return cmd
}

func diff(ctx context.Context, a *app.App, cfg *config.Config, opts comparing.Options) error {
	if opts.NeedsRegistry() {
		if err := app.NeedRegistry(cfg); err != nil {
			return err
		}
	}
	s := a.Session(cfg)
	defer s.Close()
	result, err := comparing.Compare(ctx, s, opts)
	if err != nil {
		return explainedSide(err)
	}
	if err := a.Print(cfg, overviews.NewComparison(result)); err != nil {
		return err
	}
	if n := len(result.Differences); n > 0 {
		return &exit.DriftError{Err: fmt.Errorf("%s and %s differ in %s", opts.First, opts.Second, output.Count(n, "artifact"))}
	}
	return nil
}

// explainedSide says of a side that is none how to name it.
func explainedSide(err error) error {
	var wrong *comparing.NotASideError
	if !errors.As(err, &wrong) {
		return err
	}
	side := &exit.UsageError{Err: wrong}
	switch {
	case wrong.Place == comparing.Cluster:
		return side.WithHint("write cluster:, and say which one is meant with --kubeconfig FILE or --context CONTEXT")
	case wrong.Place == comparing.Registry:
		return side.WithHint("write registry:, and say which one is meant with --registry HOST")
	case wrong.Place == comparing.Source:
		return side.WithHint("write source:, and say which one is meant with --source HOST")
	case wrong.Host != "":
		return side.WithHint("if %s is a registry, write registry:, and name it with --registry HOST, or source: and --source HOST", wrong.Host)
	}
	return side.WithHint("a side is a file, a lock, a receipt or a bundle, or %s, %s or %s", comparing.Source, comparing.Registry, comparing.Cluster)
}
