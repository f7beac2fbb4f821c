package mirror

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pruning"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/prune"
)

// NewPruneCommand makes `pgrelocate prune`.
func NewPruneCommand(a *app.App) *cobra.Command {
	var opts pruning.Options
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove from the registry what nobody wants any more",
		Long: `Remove from the private registry what a lock says was put there and the selection no
longer wants. It shows what that is; --yes deletes it.

What somebody else has put there stays: a tag that holds another digest than the lock
says, and content that any other tag of the repository leads to, directly or by an index.
With an artifact goes what belongs to it alone: the images of an index, and those of its
signatures and other attachments that the lock has. Of products that are not selected, and
of images that charts name besides, the selection says nothing, and they stay.

Where there is a kubeconfig, what pods, workloads, databases, and the versions and catalogs
that users pick from refer to stays as well. A cluster that cannot be asked, or does not
let its pods be listed, keeps everything, unless --ignore-cluster is given.

Registries keep layers until they collect garbage.`,
		Example: `  # what would go, when only PostgreSQL 17 and 16 are wanted?
  pgrelocate prune --registry registry.example.com \
    --lock pgrelocate.lock --versions 17,16

  pgrelocate prune --registry registry.example.com \
    --lock pgrelocate.lock --versions 17,16 --yes`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			opts.Place = flagset.PlaceOf(cfg)
			return pruneMirror(ctx, a, cfg, opts)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, []string{"registry"})
	flags.StringVar(&opts.Lock, "lock", "pgrelocate.lock", "what is in `FILE` was put there by us")
	flags.BoolVar(&opts.Yes, "yes", false, "delete it")
	flags.BoolVar(&opts.IgnoreCluster, "ignore-cluster", false, "go on although it is not known what the cluster uses")
	a.Settings.AddFlags(flags, config.Selection, []string{"with-prerequisites"}, config.Access, config.Connection, config.Output)
	return cmd
}

func pruneMirror(ctx context.Context, a *app.App, cfg *config.Config, opts pruning.Options) error {
	if err := app.NeedRegistry(cfg); err != nil {
		return err
	}
	s := a.Session(cfg)
	defer s.Close()
	plan, err := pruning.Prune(ctx, s, opts)
	if plan == nil {
		return err
	}
	if shown := a.Print(cfg, view.NewPruned(plan, !opts.Yes)); err == nil {
		err = shown
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, r := range plan.Removals {
		if r.Outcome == prune.Failed {
			failed = append(failed, r.Err)
		}
	}
	switch {
	case len(failed) > 0:
		partial := &exit.PartialError{Thing: "deletions", Total: plan.Count(prune.Deleted) + len(failed), Errors: failed}
		a.ListFailures(partial)
		return partial
	case opts.Yes && plan.Count(prune.Deleted) > 0:
		a.Note("the registry gives the space free when it collects garbage, if it does not by itself")
	case plan.Count(prune.Goes) > 0:
		a.Note("nothing was deleted: --yes deletes %d", plan.Count(prune.Goes))
	}
	return nil
}
