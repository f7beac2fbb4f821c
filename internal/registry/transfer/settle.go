package transfer

import (
	"context"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// settle notes what became of a blob in a repository, and starts what that allows.
func (r *run) settle(p *placement, outcome registry.Outcome, err error) {
	r.mu.Lock()
	p.settled = true
	var ready []*artifactTask
	var failed []*artifactTask
	var again bool
	if err == nil {
		again = r.arrived(p, outcome)
		for _, a := range p.waiting {
			if a.got(p); len(a.missing) == 0 && !a.done {
				ready = append(ready, a)
			}
		}
	} else {
		again = p.blob.home == ""
		for _, a := range p.waiting {
			if a.without(p, err) {
				failed = append(failed, a)
			} else if len(a.missing) == 0 && !a.done {
				ready = append(ready, a)
			}
		}
	}
	r.mu.Unlock()
	for _, a := range ready {
		r.queue.addUrgent(func(ctx context.Context) { r.put(ctx, a) })
	}
	for _, a := range failed {
		r.finish(a, err)
	}
	if again {
		r.dispatch(p.blob)
	}
}

// arrived counts, and makes the repository of an upload the one that others mount from:
// once the first artifact there is put, for a registry may ask that, or at once if that has happened.
func (r *run) arrived(p *placement, outcome registry.Outcome) (dispatch bool) {
	switch outcome {
	case registry.Uploaded:
		r.counts.uploaded++
	case registry.Mounted:
		r.counts.mounted++
	case registry.Existed:
		r.counts.present++
	}
	if p.blob.home != "" {
		return false
	}
	for _, a := range p.waiting {
		if a.done {
			p.blob.home = p.repository
			return true
		}
	}
	first := p.waiting[0]
	first.release = append(first.release, p.blob)
	return false
}
