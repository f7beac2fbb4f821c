package locking

import (
	"context"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Update is a lock brought up to date with what a copy has done. What was not touched stays as it is; what was
// is read at the target again. The selection is whoever copied's to set.
func Update(ctx context.Context, private lock.Private, was *lock.Lock, results []transfer.Result, how lock.Recording) (*lock.Lock, []string, error) {
	r := newRecorder(was, results)
	fresh, warnings, err := lock.Record(ctx, private, r.done, how)
	if err != nil {
		return nil, warnings, err
	}
	now := lock.Merge(r.kept, fresh)
	now.Selection, now.Planned = nil, false
	r.wanted(now)
	return now, warnings, nil
}

// recorder sorts what a copy has done by what the lock knows already. Use newRecorder.
type recorder struct {
	// kept is what stays in the lock as it is; done is what has to be recorded anew.
	kept     *lock.Lock
	done     []*plan.Artifact
	selected map[ref.Reference]*versions.Artifact
	// was are the artifacts of the lock as it was, and checked what was checked in this run.
	was     map[ref.Reference]*lock.Artifact
	checked map[ref.Reference]*plan.Checked
}

func newRecorder(was *lock.Lock, results []transfer.Result) *recorder {
	r := &recorder{kept: was, selected: map[ref.Reference]*versions.Artifact{}, checked: map[ref.Reference]*plan.Checked{}}
	known := map[ref.Reference]*lock.Artifact{}
	r.was = known
	for i := range was.Artifacts {
		known[was.Artifacts[i].Target] = &was.Artifacts[i]
	}
	replaced := map[string]bool{} // repositories of which something is another now
	for _, result := range results {
		r.selected[result.Target] = &result.Artifact.Artifact
		if isThere(result) && result.Checked != nil {
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
		a := result.Artifact
		if result.Incomplete != nil { // some of it may not have arrived
			incomplete := *a
			a, incomplete.AttachedBefore = &incomplete, true
		}
		r.done = append(r.done, a)
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
			a.Artifact = *chosen
		}
		a.Checked = nil
		if was, known := r.was[a.Target]; known && was.Digest == a.Digest {
			a.Checked = was.Checked
		}
		a.Checked = a.Checked.Then(lock.NewChecked(r.checked[a.Target]))
	}
}
