package transfer

import (
	"cmp"
	"context"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// How blobs are waited for that somebody else is to put.
const (
	mostPatience  = 5 * time.Minute
	leastPatience = time.Second
	// slowLine is the rate that is believed in before anything has been measured, in bytes a second.
	slowLine = 10 << 20
)

// patience is how long a run waits for others. Once there is nothing else to do it waits as long as
// fetching what it waits for would take: whoever waits so loses no more than what he hoped to save.
// It has the run's lock.
type patience struct {
	began time.Time // of the run
	bytes int64     // of what is awaited
	ends  time.Time // zero until the wait begins
	every time.Duration
}

func newPatience(p *plan.Plan) patience {
	all := patience{began: time.Now()}
	for _, b := range p.Blobs {
		if len(b.Awaited) > 0 && b.Home() == "" {
			all.bytes += b.Size
		}
	}
	return all
}

// left is how long to wait until the target is asked again; 0 where the patience is at its end.
func (p *patience) left(now time.Time, fetched int64, most time.Duration) time.Duration {
	if p.ends.IsZero() {
		rate := float64(slowLine)
		if took := now.Sub(p.began).Seconds(); fetched > 0 && took > 0 {
			rate = float64(fetched) / took
		}
		wait := time.Duration(float64(p.bytes) / rate * float64(time.Second))
		wait = min(max(wait, leastPatience), most)
		p.ends, p.every = now.Add(wait), wait/20
	}
	rest := p.ends.Sub(now)
	if rest <= 0 {
		return 0
	}
	return min(max(p.every, 50*time.Millisecond), rest)
}

// await takes a blob from where somebody else has put it meanwhile, and fetches it where nobody has.
func (r *run) await(ctx context.Context, p *placement) {
	found, err := r.look(ctx, p)
	switch {
	case err != nil:
		r.settle(p, 0, err)
	case found == p.repository:
		p.blob.gauge.reach(p.blob.Size)
		r.settle(p, registry.Existed, nil)
	case found != "":
		r.mu.Lock()
		p.blob.home = found
		r.mu.Unlock()
		r.dispatch(p.blob)
		r.mount(ctx, p)
	default:
		r.mu.Lock()
		wait := r.patience.left(time.Now(), r.stats.fetched.Load(), cmp.Or(r.opts.MostPatience, mostPatience))
		r.mu.Unlock()
		if wait == 0 || ctx.Err() != nil {
			r.upload(ctx, p)
			return
		}
		r.queue.putOff(ctx, wait, func(ctx context.Context) { r.await(ctx, p) })
	}
}

// look finds a repository that holds an awaited blob by now; empty where none does. What cannot be
// asked about one that is not our own does not hold it.
func (r *run) look(ctx context.Context, p *placement) (string, error) {
	ctx, err := r.begin(ctx, p)
	if err != nil {
		return "", err
	}
	defer p.stop(nil)
	held, err := r.target.HasBlob(ctx, p.repository, p.blob.Descriptor)
	if held || err != nil {
		return p.repository, err
	}
	for _, repository := range p.blob.Awaited {
		if repository == p.repository {
			continue
		}
		if held, err := r.target.HasBlob(ctx, repository, p.blob.Descriptor); held && err == nil {
			return repository, nil
		}
	}
	return "", nil
}
