package copying

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// checkOut finds out whether a plan can be written before anything is asked.
func (p *Planning) checkOut(context.Context) error {
	if p.asked.Out == "" {
		return nil
	}
	if p.Config.OnConflict == plan.ConflictSkip {
		return exit.Usagef("a plan says what becomes of everything, and on-conflict skip leaves that open: fail or update")
	}
	if err := files.CheckWritable(p.asked.Out, p.asked.OverwriteOut); err != nil {
		return exit.Misnamed(fmt.Errorf("writing the plan: %w", err))
	}
	return nil
}

// writeOut writes a plan that can be carried out whole; of any other there is nothing to review.
func (p *Planning) writeOut(context.Context) error {
	if p.asked.Out == "" {
		return nil
	}
	if whole := relocate.FailuresOfPlan(p.Plan) == nil; !whole {
		p.Note("%s was not written: not everything in it could be copied", p.asked.Out)
		return nil
	}
	catalogue, err := p.Catalogue()
	if err != nil {
		return err
	}
	planned, err := lock.Plan(p.Plan, catalogue, p.Config.Registry.Path)
	if err != nil {
		return err
	}
	planned.Selection = p.selection()
	if err := files.WriteBy(p.asked.Out, 0o644, p.asked.OverwriteOut, planned.Write); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	p.Note("planned in %s", p.asked.Out)
	return nil
}

// selection is what was asked for: by the settings, or when the plan was made that is carried out.
func (p *Planning) selection() *lock.Selection {
	if p.reviewed != nil {
		return p.reviewed.Selection
	}
	return locking.SelectionOf(p.Session, p.Artifacts)
}

// readPlan takes from a plan what is moved, and in which form.
func (p *Planning) readPlan(ctx context.Context) (err error) {
	if p.asked.Reviewed == "" {
		return nil
	}
	if p.reviewed, err = locking.ReadPlan(ctx, p.asked.Reviewed, p.Config.Registry); err != nil {
		return err
	}
	cfg, was := *p.Config, p.reviewed.Selection
	cfg.OnConflict, cfg.ChartImages, cfg.Signatures = plan.ConflictFail, false, !was.WithoutAttachments
	cfg.Product, cfg.Releases, cfg.Versions, cfg.Editions, cfg.Extras, cfg.Axes = was.Product, nil, postgres.Expression{}, nil, nil, nil
	cfg.Prerequisites.Wanted = false
	cfg.Platforms, cfg.Index = nil, plan.Index(was.Index)
	for _, name := range was.Platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return &exit.UsageError{Err: &locking.LockError{Path: p.asked.Reviewed, Err: err}}
		}
		cfg.Platforms = append(cfg.Platforms, *platform)
	}
	p.Config = &cfg
	p.Artifacts = p.reviewed.ArtifactsFor(ref.Folder{Host: cfg.Registry.Host})
	slices.SortStableFunc(p.Artifacts, relocate.Order)
	return nil
}

// sources are where the artifacts come from. Who wrote a plan has chosen them; which of them gets the
// login in the environment the settings say.
func (p *Planning) sources() (*relocate.Sources, error) {
	if p.reviewed == nil {
		return p.SourcesOf(p.Artifacts), nil
	}
	selected, err := p.Session.Artifacts(p.Config.Registry)
	if err != nil {
		return nil, err
	}
	return p.SourcesOfOthers(p.Artifacts, selected), nil
}

// pinReviewed holds what is moved against the plan that was reviewed.
func (p *Planning) pinReviewed(opts *plan.Options) {
	opts.Refresh, opts.Pins = p.asked.Refresh, map[ref.Reference]plan.Pin{}
	for _, a := range p.reviewed.Artifacts {
		pin := a.Reviewed()
		pin.Ask = !p.Rules.None() // the plan does not say what was checked
		opts.Pins[a.Target] = pin
	}
}
