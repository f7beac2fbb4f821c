package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/flagset"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pruning"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/prune"
)

// NewPruneCommand makes `pgrelocate prune`.
func NewPruneCommand(a *app.App) *cobra.Command {
	var opts pruning.Options
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove from the registry what nobody wants any more",
		Long: `Remove from the private registry what a lock says was put there and the selection no
longer wants, or what the lock has as retired. It shows what that is; --yes deletes it,
and takes out of the lock what is gone then.

What somebody else has put there stays: a tag that holds another digest than the lock
says, and content that any other tag of the repository leads to, directly or by an index;
then the tag alone goes, in a registry that can do that. With an artifact goes what belongs
to it alone: the images of an index, and those of its signatures and other attachments that
the lock has. Of products that are not selected, and of images that charts name besides,
the selection says nothing: they stay, unless they are retired.

Where there is a kubeconfig, what pods, workloads, databases and catalogs refer to stays
as well, and so does a version that users pick from where one has picked it. Versions that
nobody has picked do not keep an image; they are told. A cluster that cannot be asked, or
does not let all of that be listed, keeps everything, unless --ignore-cluster is given.

Registries keep layers until they collect garbage.`,
		Example: `  # what would go, when only PostgreSQL 17 and 16 are wanted?
  pgrelocate prune --registry registry.example.com \
    --lock pgrelocate.lock --versions 17,16

  pgrelocate prune --registry registry.example.com \
    --lock pgrelocate.lock --versions 17,16 --yes

  # another team mirrors into the same folder, with a lock of its own
  pgrelocate prune --registry registry.example.com \
    --lock pgrelocate.lock --versions 17 --keep their.lock`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			opts.Destination = flagset.DestinationOf(cfg)
			looksOnly := !opts.Yes
			return a.Reported("prune", &looksOnly, func(ctx context.Context, cfg *config.Config, _ []string) error {
				return pruneMirror(ctx, a, cfg, opts)
			})(ctx, cfg, nil)
		}),
	}
	flags := cmd.Flags()
	a.Settings.AddFlags(flags, []string{"registry"})
	a.Settings.AddFlags(flags, config.Lock)
	flags.StringSliceVar(&opts.Keep, "keep", nil, "what the lock in `FILE` wants stays: that of another selection for the same registry")
	flags.BoolVar(&opts.Yes, "yes", false, "delete it")
	flags.BoolVar(&opts.IgnoreCluster, "ignore-cluster", false, "go on although it is not known what the cluster uses")
	a.Settings.AddFlags(flags, config.Selection, []string{"with-prerequisites"}, config.Access, config.Connection, config.Reports, config.Output)
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
	if shown := a.Print(cfg, copies.NewPruned(plan, !opts.Yes)); err == nil {
		err = shown
	}
	if err != nil {
		return err
	}
	tellOffered(a, plan)
	return concludePrune(a, plan, opts.Yes)
}

// tellOffered says what users can still pick, and then not pull.
func tellOffered(a *app.App, plan *prune.Plan) {
	var offers []string
	for _, r := range plan.Removals {
		goes := r.Outcome == prune.Goes || r.Outcome == prune.Deleted
		if goes && r.OfferedBy != "" && !slices.Contains(offers, r.OfferedBy) {
			offers = append(offers, r.OfferedBy)
		}
	}
	if len(offers) == 0 {
		return
	}
	const shown = 3
	text := strings.Join(offers[:min(shown, len(offers))], ", ")
	if len(offers) > shown {
		text += fmt.Sprintf(" and %d more", len(offers)-shown)
	}
	a.Warn("the cluster still offers %s, which nobody uses: whoever picks that once the image is gone cannot pull it; `pgrelocate install` offers what is there", text)
}

// hidden tells that nothing could be found out, for the login may not read: to call that a success would
// hide for ever that nothing is deleted.
func hidden(plan *prune.Plan) bool {
	return len(plan.Removals) > 0 && !slices.ContainsFunc(plan.Removals, func(r prune.Removal) bool {
		return !errors.Is(r.Err, registry.ErrForbidden) || r.Outcome != prune.Kept
	})
}

// concludePrune is the last word, and the error where something could not be deleted.
func concludePrune(a *app.App, plan *prune.Plan, yes bool) error {
	var failed, unseen []error
	for _, r := range plan.Removals {
		switch {
		case r.Outcome == prune.Failed:
			failed = append(failed, r.Err)
		case r.Outcome == prune.Kept && r.Err != nil:
			unseen = append(unseen, r.Err)
		}
	}
	switch {
	case hidden(plan):
		return fmt.Errorf("nothing can be pruned, for nothing can be looked at: %w", plan.Removals[0].Err)
	case len(failed) > 0:
		partial := &exit.PartialError{Thing: "deletions", Total: plan.Count(prune.Deleted) + len(failed), Errors: failed}
		a.ListFailures(partial)
		return partial
	case len(unseen) > 0: // the table says why of each
		return &exit.PartialError{Thing: "lookups", Total: len(plan.Removals), Errors: unseen}
	case yes && plan.Count(prune.Deleted) > 0:
		a.Note("the registry gives the space free when it collects garbage, if it does not by itself")
	case plan.Count(prune.Goes) > 0:
		a.Note("nothing was deleted: --yes deletes %s", output.Count(plan.Count(prune.Goes), "manifest"))
	case len(plan.Removals) == 0:
		a.Note("there is nothing to delete: the selection wants all that the lock has")
	}
	return nil
}
