package copying

import (
	"context"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
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
	for _, a := range was.Artifacts {
		opts.Pins[a.Target] = plan.Pin{Digest: a.Digest.String(), MediaType: string(a.MediaType), Ask: p.Rules.Asks(a)}
	}
}

// checkedBefore is what the lock says was checked of an artifact that is as it was.
func (p *Planning) checkedBefore(a *plan.Artifact) *plan.Checked {
	for _, was := range p.lockOrNone().Artifacts {
		if was.Target == a.Target && was.Digest.String() == a.Digest {
			return was.Checked.Plan()
		}
	}
	return nil
}

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
	r := newRecorder(c.lockOrNone(), c.Copied.Results)
	fresh, warnings, err := lock.Record(ctx, private, r.done, lock.Recording{Catalogue: catalogue, Platforms: c.Config.Platforms, Path: c.Config.Registry.Path})
	c.Warn(warnings...)
	if err != nil {
		return err
	}
	now := lock.Merge(r.kept, fresh)
	now.Selection, now.Planned = c.selection(), false
	r.wanted(now)
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

// recorder sorts what a copy has done by what the lock knows already. Use newRecorder.
type recorder struct {
	// kept is what stays in the lock as it is; done is what has to be recorded anew.
	kept     *lock.Lock
	done     []*plan.Artifact
	selected map[ref.Reference]versions.Artifact
	// was are the artifacts of the lock as it was, and checked what was checked in this run.
	was     map[ref.Reference]lock.Artifact
	checked map[ref.Reference]*plan.Checked
}

func newRecorder(was *lock.Lock, results []transfer.Result) *recorder {
	r := &recorder{kept: was, selected: map[ref.Reference]versions.Artifact{}, checked: map[ref.Reference]*plan.Checked{}}
	known := map[ref.Reference]lock.Artifact{}
	r.was = known
	for _, a := range was.Artifacts {
		known[a.Target] = a
	}
	replaced := map[string]bool{} // repositories of which something is another now
	for _, result := range results {
		r.selected[result.Target] = result.Artifact.Artifact
		if isThere(result) {
			r.checked[result.Target] = result.Checked
		}
		if old, ok := known[result.Target]; ok && isThere(result) && old.Digest.String() != result.Digest {
			replaced[result.Target.Repository] = true
		}
	}
	for _, result := range results {
		old, ok := known[result.Target]
		same := ok && was.Schema == lock.Schema && old.Digest.String() == result.Digest &&
			result.State == plan.StatePresent && !replaced[result.Target.Repository]
		if !isThere(result) || same {
			continue
		}
		a := *result.Artifact
		a.AttachedBefore = a.AttachedBefore || result.Incomplete != nil // some of it may not have arrived
		r.done = append(r.done, &a)
	}
	if len(replaced) > 0 {
		r.kept = was.Keep(func(a lock.Artifact) bool {
			return !slices.ContainsFunc(r.done, func(d *plan.Artifact) bool { return d.Target == a.Target })
		})
	}
	return r
}

// isThere tells whether an artifact is at the target, as its plan says.
func isThere(r transfer.Result) bool { return r.Err == nil && r.State != plan.StateSkip }

// wanted has the lock say which of its artifacts the selection wants, and in its words.
func (r *recorder) wanted(l *lock.Lock) {
	for i := range l.Artifacts {
		a := &l.Artifacts[i]
		chosen, ok := r.selected[a.Target]
		if a.Retired = !ok; ok {
			a.Artifact = chosen
		}
		a.Checked = nil
		if was, known := r.was[a.Target]; known && was.Digest == a.Digest {
			a.Checked = was.Checked
		}
		a.Checked = a.Checked.Then(lock.NewChecked(r.checked[a.Target]))
	}
}
