package copying

import (
	"cmp"
	"context"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// pin holds the plan against the lock.
func (p *Planning) pin(opts *plan.Options) {
	if p.reviewed != nil {
		p.pinReviewed(opts)
		return
	}
	if p.lockFile == nil || p.lockFile.Was == nil {
		return
	}
	was := p.lockFile.Was
	opts.Refresh, opts.AllowDrift = p.asked.Refresh, p.asked.AllowDrift
	if now := locking.SelectionOf(p.Session, p.Artifacts); was.Selection != nil {
		if !slices.Equal(now.Platforms, was.Selection.Platforms) || now.Index != was.Selection.Index {
			return // another form of everything is wanted
		}
		opts.Refresh = opts.Refresh || was.Selection.WithoutAttachments && !now.WithoutAttachments
	}
	opts.Pins = map[ref.Reference]plan.Pin{}
	attached := was.Attached(ref.Folder{})
	for _, a := range was.Artifacts {
		without := a.Target
		without.Host = ""
		if !p.mayVouch() {
			a.Checked = nil
		}
		opts.Pins[a.Target] = plan.Pin{Digest: a.Digest.String(), MediaType: string(a.MediaType), Ask: p.Rules.Asks(a), Named: attached[without]}
	}
}

// mayVouch tells whether the lock is believed who has signed. Whoever put one into the working directory,
// that nobody has named, may be anybody: what it says of digests can be seen at the registries, and this
// cannot.
func (p *Planning) mayVouch() bool { return p.lockFile != nil && !p.lockFile.Found }

// lockOrNone is the lock as it was; an empty one where there was none.
func (p *Planning) lockOrNone() *lock.Lock {
	if p.lockFile == nil || p.lockFile.Was == nil {
		return &lock.Lock{Schema: lock.Schema}
	}
	return p.lockFile.Was
}

// record brings the lock up to date with what a copy has done.
func (c *Copying) record(ctx context.Context) error {
	if c.lockFile.Path == "" || c.Copied == nil || c.asked.Locked {
		return nil
	}
	private, err := c.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	catalogue, err := c.Catalogue()
	if err != nil {
		return err
	}
	now, warnings, err := locking.Update(ctx, private, c.lockOrNone(), c.Copied.Results, lock.Recording{
		Catalogue: catalogue, Platforms: c.Config.Platforms, Path: c.Config.Registry.Path,
	})
	c.Warn(warnings...)
	if err != nil {
		return err
	}
	now.Selection = c.selection()
	if err := c.lockFile.Replace(now); err != nil {
		return err
	}
	c.tellRetired(now)
	return nil
}

// tellRetired says what this run's selection, unlike the last one's, no longer wants.
func (c *Copying) tellRetired(now *lock.Lock) {
	before := map[ref.Reference]bool{}
	for _, a := range c.lockOrNone().Artifacts {
		before[a.Target] = a.Retired
	}
	retired := 0
	for _, a := range now.Artifacts {
		if was, known := before[a.Target]; a.Retired && known && !was {
			retired++
		}
	}
	if retired > 0 {
		c.Note("%s of the lock no longer wanted: retired there, and at the target until pruned", output.Count(retired, "artifact"))
	}
}

// needLock wants a lock where a run is to change nothing about it.
func (p *Planning) needLock(context.Context) error {
	if !p.asked.Locked || p.lockFile.Was != nil {
		return nil
	}
	return &exit.UsageError{Err: &locking.LockError{Path: cmp.Or(p.lockFile.Path, config.LocalLock), Err: locking.ErrNoLock}}
}

// checkSelection holds what is selected against the lock, before anything is asked.
func (p *Planning) checkSelection(context.Context) error {
	if !p.asked.Locked {
		return nil
	}
	return p.deviating(locking.SelectionDeviates(p.Session, p.Artifacts, p.lockFile.Was))
}

// checkPlan holds what would be moved against the lock, and finds out whether that has room for it.
func (p *Planning) checkPlan(context.Context) error {
	if !p.asked.Locked {
		return p.checkRoom()
	}
	return p.deviating(locking.ContentDeviates(p.Plan, p.lockFile.Was))
}

func (p *Planning) checkRoom() error {
	if p.lockFile == nil || p.lockFile.Path == "" {
		return nil
	}
	catalogue, err := p.Catalogue()
	if err != nil {
		return err
	}
	if err := lock.CheckRoom(p.lockOrNone(), p.Plan, catalogue); err != nil {
		return &exit.UsageError{Err: &locking.LockError{Path: p.lockFile.Path, Err: err}}
	}
	return nil
}

// deviating is the error of a run that is held against its lock; nil where it does as that says.
func (p *Planning) deviating(differences []string) error {
	if len(differences) == 0 {
		return nil
	}
	return &exit.DriftError{Err: &locking.DeviationError{Path: p.lockFile.Path, Differences: differences}}
}
