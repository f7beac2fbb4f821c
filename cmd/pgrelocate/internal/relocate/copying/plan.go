package copying

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/admitting"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/formats"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
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

// PlanOptions are what a plan takes besides the settings.
type PlanOptions struct {
	// Refresh asks the source of what the target holds as the lock says too.
	Refresh bool
	// AllowDrift takes what the source has where the lock has something else.
	AllowDrift bool
	// Out is a file for the plan, to be reviewed and carried out; empty is none. OverwriteOut lets it
	// replace a file that is there.
	Out          string
	OverwriteOut bool
	// Images is a file with a list of images, which counts instead of the selection; empty is none.
	Images string
}

// Plan says what a copy of the selection would move, and moves nothing.
func Plan(ctx context.Context, s *relocate.Session, opts PlanOptions) (*Planned, error) {
	p := &Planning{Session: s, Measure: true, asked: CopyOptions{PlanOptions: opts}}
	err := relocate.Run(ctx,
		p.checkOut,        // that the plan can be written, where it is to be
		p.ReadRules,       // what artifacts have to be
		p.readLock,        // what was relocated before
		p.readList,        // of images, where one is named
		p.look,            // for releases that the catalogue lacks
		p.choose,          // what of the catalogue
		p.connect,         // a client of each registry
		p.pinPlatforms,    // to what a list says of them
		p.takeChartImages, // what the charts run besides, where that is wanted
		p.Compare,         // what is where, and what has to move
		p.fetchBeyond,     // what they run that is not selected
		p.writeOut,        // for who reviews it
	)
	if err != nil {
		return nil, err
	}
	return &Planned{Plan: p.Plan, Beyond: p.beyond, Failures: relocate.FailuresOfPlan(p.Plan)}, nil
}

// Planning is a plan that is being made.
type Planning struct {
	*relocate.Session
	Artifacts []versions.Artifact
	Sides     registry.Endpoints
	Plan      *plan.Plan
	asked     CopyOptions
	lockFile  *locking.File
	// Measure asks for the size of what is present too, which a copy has no need of.
	Measure bool
	// Rules are what artifacts have to be; see ReadRules.
	Rules admitting.Rules
	// Held is where the target holds what a delta leaves out.
	Held bundle.Held
	// Left is what indexes of a bundle leave behind.
	Left   map[v1.Hash]bool
	beyond []string
	// reviewed is the plan that is carried out; nil without one.
	reviewed *lock.Lock
	// awaited are the repositories in which other shards put blobs that this one needs.
	awaited map[v1.Hash][]string
	// listed is what a list of images has; empty without one.
	listed []formats.Listed
}

// ReadRules reads what the settings ask of artifacts, once.
func (p *Planning) ReadRules(ctx context.Context) error { return p.Rules.Read(ctx, p.Config) }

// openLock finds the lock, to be written too; readLock only reads it.
func (p *Planning) openLock(ctx context.Context) (err error) {
	switch {
	case p.asked.Shard.Moves():
		p.lockFile = &locking.File{} // none, not even that of the folder: it knows a part only
		return nil
	case p.asked.Locked:
		return p.readLock(ctx)
	}
	p.lockFile, err = locking.Open(ctx, p.Session, locking.Write, p.asked.Overwrite)
	return err
}

func (p *Planning) readLock(ctx context.Context) (err error) {
	p.lockFile, err = locking.Open(ctx, p.Session, locking.Read, p.asked.Overwrite)
	return err
}

func (p *Planning) look(ctx context.Context) error {
	if p.asked.Images != "" || p.reviewed != nil {
		return nil
	}
	return discovery.Learn(ctx, p.Session, p.Config.Releases)
}

func (p *Planning) choose(context.Context) (err error) {
	if p.reviewed != nil {
		return nil // readPlan has
	}
	if err := p.CheckIndex(); err != nil {
		return err
	}
	if p.asked.Images != "" {
		return p.chooseListed()
	}
	p.Artifacts, err = p.Session.Artifacts(p.Config.Registry)
	return err
}

func (p *Planning) connect(ctx context.Context) error {
	target, err := p.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	sources, err := p.sources()
	if err != nil {
		return err
	}
	p.Sides = registry.Endpoints{
		Source: func(host string) (registry.Source, error) { return sources.Open(ctx, host) },
		Target: target,
	}
	return nil
}

// Compare is Make, and says what it does.
func (p *Planning) Compare(ctx context.Context) error {
	p.Note("planning %s: %s -> %s", output.Count(len(p.Artifacts), "artifact"), relocate.SourceFolder(p.Artifacts), relocate.TargetFolder(p.Artifacts))
	return p.Make(ctx)
}

// Make asks both sides what there is.
func (p *Planning) Make(ctx context.Context) (err error) {
	if err := p.ReadRules(ctx); err != nil {
		return err
	}
	if p.mayVouch() {
		p.Rules.Known = p.lockOrNone().Checks()
	}
	p.Plan, err = plan.New(ctx, p.Sides, p.Artifacts, p.planOptions())
	if err == nil {
		p.Warn(p.Plan.Warnings...)
	}
	return exit.Unanswered(err)
}

func (p *Planning) planOptions() plan.Options {
	opts := plan.Options{
		Admit:              p.Rules.Admit(),
		Platforms:          p.Config.Platforms,
		Index:              p.Config.Index,
		OnConflict:         p.Config.OnConflict,
		Check:              p.Config.Check,
		Measure:            p.Measure,
		Elsewhere:          p.Held,
		Left:               p.Left,
		Awaited:            p.awaited,
		WithoutAttachments: !p.Config.Signatures,
	}
	p.pin(&opts)
	return opts
}
