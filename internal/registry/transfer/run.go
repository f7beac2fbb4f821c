package transfer

import (
	"context"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// run is a copy under way. Its lock guards the state of tasks and placements; no request is
// made under it.
type run struct {
	target registry.Target
	opts   Options
	stats  traffic
	queue  *queue
	files  *tempFiles

	mu        sync.Mutex
	artifacts []*artifactTask
	blobs     []*blobTask
	byKey     map[plan.BlobKey]*blobTask // the same; it does not change
	counts    struct{ uploaded, mounted, present int }
	patience  patience
	tell      sync.Mutex // keeps ArtifactDone to one goroutine at a time
}

func newRun(target registry.Target, p *plan.Plan, opts Options) *run {
	r := &run{target: target, opts: opts, queue: newQueue(),
		files: &tempFiles{dir: opts.TempDir, off: opts.NoTempFiles, sides: sidesOf(target, p)}}
	r.byKey, r.patience = map[plan.BlobKey]*blobTask{}, newPatience(p)
	for _, blob := range p.Blobs {
		b := &blobTask{Blob: blob, gauge: gauge{meter: opts.Meter}}
		if b.home = blob.Home(); b.home != "" {
			b.gauge.at = blob.Size // it does not count as bytes to move
		}
		r.counts.present += len(blob.Present)
		r.byKey[plan.KeyOf(blob.Descriptor)] = b
		r.blobs = append(r.blobs, b)
	}
	for _, a := range p.Artifacts {
		r.artifacts = append(r.artifacts, newArtifactTask(a, r.byKey))
	}
	return r
}

// sidesOf are the sides of a run, which tell of trouble.
func sidesOf(target registry.Target, p *plan.Plan) []registry.Source {
	sides := []registry.Source{target}
	seen := map[registry.Source]bool{}
	for _, a := range p.Artifacts {
		if source := a.Origin.Source; !seen[source] {
			seen[source] = true
			sides = append(sides, source)
		}
	}
	return sides
}

// start queues all that can begin: blobs largest first, and artifacts that lack none.
func (r *run) start() {
	for _, b := range r.blobs {
		r.dispatch(b)
	}
	for _, a := range r.artifacts {
		if a.State == plan.StateFailed || len(a.Manifests) == 0 || a.State == plan.StateSkip {
			r.finish(a, a.err)
		} else if len(a.missing) == 0 {
			r.queue.addUrgent(func(ctx context.Context) { r.put(ctx, a) })
		}
	}
}

// dispatch starts what can be done for a blob: mounts where a repository holds it, else one
// upload, after which the others mount it.
func (r *run) dispatch(b *blobTask) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range b.placements {
		if p.started {
			if b.home == "" && !p.settled {
				return // its upload is under way
			}
			continue
		}
		p.started = true
		if b.home != "" {
			r.queue.addUrgent(func(ctx context.Context) { r.mount(ctx, p) })
			continue
		}
		if len(b.Awaited) > 0 {
			r.queue.addLast(func(ctx context.Context) { r.await(ctx, p) })
			return
		}
		r.queue.addBlob(b.Size, func(ctx context.Context) { r.upload(ctx, p) })
		return
	}
}

// finish notes what became of an artifact, once, tells, and lets others mount its blobs.
func (r *run) finish(a *artifactTask, err error) {
	r.mu.Lock()
	if a.done {
		r.mu.Unlock()
		return
	}
	a.done, a.err = true, err
	if err != nil {
		a.forsake()
	}
	release := a.release
	for _, b := range release {
		b.home = a.Target.Repository
	}
	r.mu.Unlock()
	r.opts.Meter.ArtifactsDone.Add(1)
	if err != nil {
		r.opts.Meter.ArtifactsFailed.Add(1)
	}
	r.tell.Lock()
	r.opts.ArtifactDone(a.result())
	r.tell.Unlock()
	for _, b := range release {
		r.dispatch(b)
	}
}

// abandon fails what has not been finished when the run was interrupted.
func (r *run) abandon(err error) {
	for _, a := range r.artifacts {
		r.finish(a, err)
	}
}

func (r *run) report() *Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := &Tally{
		BytesFetched: r.stats.fetched.Load(), BytesSent: r.stats.sent.Load(),
		BlobsUploaded: r.counts.uploaded, BlobsMounted: r.counts.mounted, BlobsPresent: r.counts.present,
	}
	for _, a := range r.artifacts {
		result := a.result()
		report.Results = append(report.Results, result)
		if result.Incomplete != nil {
			report.Incomplete++
		}
		switch {
		case a.err != nil:
			report.Failed++
		case a.State == plan.StatePresent:
			report.Present++
		case a.State == plan.StateSkip:
			report.Skipped++
		default:
			report.Copied++
		}
	}
	return report
}
