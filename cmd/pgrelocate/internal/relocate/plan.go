package relocate

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Planned is what a copy or a load would do.
type Planned struct {
	*plan.Plan
	// Beyond are images that the charts run, or can run, and that are not selected; nil where
	// that could not be found out, too.
	Beyond []string
	// Failures is an *exit.PartialError with the artifacts that cannot be copied; nil where all
	// can.
	Failures error
}

// Plan says what a copy of the selection would move, and moves nothing.
func (s *Session) Plan(ctx context.Context) (*Planned, error) {
	p := &planning{Session: s, measure: true}
	err := run(ctx,
		p.look,            // for releases that the catalogue lacks
		p.choose,          // what of the catalogue
		p.connect,         // a client of each registry
		p.takeChartImages, // what the charts run besides, where that is wanted
		p.compare,         // what is where, and what has to move
		p.fetchBeyond,     // what they run that is not selected
	)
	if err != nil {
		return nil, err
	}
	return &Planned{Plan: p.plan, Beyond: p.beyond, Failures: failuresOfPlan(p.plan)}, nil
}

// planning is a plan that is being made.
type planning struct {
	*Session
	artifacts []versions.Artifact
	sides     registry.Endpoints
	plan      *plan.Plan
	// measure asks for the size of what is present too, which a copy has no need of.
	measure bool
	beyond  []string
}

func (p *planning) look(ctx context.Context) error { return p.learn(ctx, p.cfg.Releases) }

func (p *planning) choose(context.Context) (err error) {
	if err := p.checkIndex(); err != nil {
		return err
	}
	p.artifacts, err = p.Session.artifacts(p.cfg.Registry)
	return err
}

func (p *planning) connect(ctx context.Context) error {
	target, err := p.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	sources := p.sourcesOf(p.artifacts)
	p.sides = registry.Endpoints{
		Source: func(host string) (registry.Source, error) { return sources.open(ctx, host) },
		Target: target,
	}
	return nil
}

func (p *planning) compare(ctx context.Context) error {
	p.note("planning %s: %s -> %s", output.Count(len(p.artifacts), "artifact"), sourceFolder(p.artifacts), targetFolder(p.artifacts))
	return p.make(ctx)
}

// make asks both sides what there is.
func (p *planning) make(ctx context.Context) (err error) {
	p.plan, err = plan.New(ctx, p.sides, p.artifacts, p.planOptions())
	if err == nil {
		p.warn(p.plan.Warnings...)
	}
	return err
}

func (p *planning) planOptions() plan.Options {
	return plan.Options{
		Platforms:          p.cfg.Platforms,
		Index:              p.cfg.Index,
		OnConflict:         p.cfg.OnConflict,
		Check:              p.cfg.Check,
		Measure:            p.measure,
		WithoutAttachments: !p.cfg.Signatures,
	}
}

// checkIndex refuses a form of index that says nothing without platforms.
func (s *Session) checkIndex() error {
	if len(s.cfg.Platforms) == 0 && (s.cfg.Index == plan.IndexSparse || s.cfg.Index == plan.IndexStrip) {
		return exit.Usagef("the index form %s says nothing without platforms", s.cfg.Index)
	}
	return nil
}
