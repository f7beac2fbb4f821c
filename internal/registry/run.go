package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// run is a copy under way. Its lock guards the state of parcels and places; no request is
// made under it.
type run struct {
	target  Target
	plan    *Plan
	opts    CopyOptions
	stats   transfer
	queue   *queue
	scratch *scratch

	mu      sync.Mutex
	parcels []*parcel
	cargo   []*cargo
	counts  struct{ uploaded, mounted, present int }
	tell    sync.Mutex // keeps ArtifactDone to one goroutine at a time
}

// parcel is one artifact on its way: it is put when nothing is missing any more.
type parcel struct {
	*PlannedArtifact
	missing map[*berth]bool
	own     map[*berth]bool // those that the artifact needs itself, beside what is attached
	err     error
	done    bool
	// release are the blobs that other repositories may mount once the parcel is put: some
	// registries mount only what a manifest refers to.
	release []*cargo
}

// cargo is one blob on its way to the repositories that lack it.
type cargo struct {
	*PlannedBlob
	berths []*berth
	home   string // the repository that holds it; empty while none does
	gauge  gauge
	// lost are places at which it could not be read, and why: nobody tries them again.
	lost   []place
	lostTo error
}

// berth is one repository that lacks a blob.
type berth struct {
	cargo      *cargo
	repository string
	waiting    []*parcel
	settled    bool // there, or failed
	started    bool
}

func newRun(target Target, plan *Plan, opts CopyOptions) *run {
	r := &run{target: target, plan: plan, opts: opts, queue: newQueue(),
		scratch: &scratch{dir: opts.SpoolDir, off: opts.NoSpool, sides: shakySides(target, plan)}}
	byKey := map[blobKey]*cargo{}
	for _, blob := range plan.Blobs {
		c := &cargo{PlannedBlob: blob, gauge: gauge{meter: opts.Meter}}
		if len(blob.Present) > 0 {
			c.home, c.gauge.at = blob.Present[0], blob.Size // it does not count as bytes to move
		}
		r.counts.present += len(blob.Present)
		byKey[keyOf(blob.descriptor)] = c
		r.cargo = append(r.cargo, c)
	}
	for _, a := range plan.Artifacts {
		r.parcels = append(r.parcels, r.pack(a, byKey))
	}
	return r
}

// shakySides are the sides of a run that tell of trouble.
func shakySides(target Target, plan *Plan) []shaky {
	var sides []shaky
	add := func(side any) {
		if side, ok := side.(shaky); ok && !slices.Contains(sides, side) {
			sides = append(sides, side)
		}
	}
	add(target)
	for _, a := range plan.Artifacts {
		add(a.source)
	}
	return sides
}

// pack finds out what an artifact still lacks.
func (r *run) pack(a *PlannedArtifact, byKey map[blobKey]*cargo) *parcel {
	p := &parcel{PlannedArtifact: a, missing: map[*berth]bool{}, own: map[*berth]bool{}, err: a.Err}
	if a.State == StateFailed {
		return p
	}
	for _, n := range a.nodes {
		for _, d := range n.blobs {
			b := byKey[keyOf(d)].berth(a.Target.Repository)
			if b != nil && !n.attached {
				p.own[b] = true
			}
			if b != nil && !p.missing[b] {
				p.missing[b] = true
				b.waiting = append(b.waiting, p)
			}
		}
	}
	return p
}

// berth is the place of the blob in a repository, nil where it is there already.
func (c *cargo) berth(repository string) *berth {
	for _, present := range c.Present {
		if present == repository {
			return nil
		}
	}
	for _, b := range c.berths {
		if b.repository == repository {
			return b
		}
	}
	b := &berth{cargo: c, repository: repository}
	c.berths = append(c.berths, b)
	return b
}

// start queues all that can begin: blobs largest first, and artifacts that lack none.
func (r *run) start() {
	for _, c := range r.cargo {
		r.dispatch(c)
	}
	for _, p := range r.parcels {
		if p.State == StateFailed || len(p.nodes) == 0 || p.State == StateSkip {
			r.finish(p, p.err)
		} else if len(p.missing) == 0 {
			r.queue.addUrgent(func(ctx context.Context) { r.put(ctx, p) })
		}
	}
}

// dispatch starts what can be done for a blob: mounts where a repository holds it, else one
// upload, after which the others mount it.
func (r *run) dispatch(c *cargo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range c.berths {
		if b.started {
			if c.home == "" && !b.settled {
				return // its upload is under way
			}
			continue
		}
		b.started = true
		if c.home != "" {
			r.queue.addUrgent(func(ctx context.Context) { r.mount(ctx, b) })
			continue
		}
		r.queue.addBlob(c.Size, func(ctx context.Context) { r.upload(ctx, b) })
		return
	}
}

// wanted tells whether anybody still waits for the blob there.
func (r *run) wanted(b *berth) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range b.waiting {
		if !p.done {
			return true
		}
	}
	return false
}

var errUnwanted = errors.New("the artifacts that need it have failed")

func (r *run) upload(ctx context.Context, b *berth) {
	if !r.wanted(b) {
		r.settle(b, 0, errUnwanted)
		return
	}
	outcome, err := r.push(ctx, b)
	r.settle(b, outcome, err)
}

// push sends a blob from the places where it can be read.
func (r *run) push(ctx context.Context, b *berth) (Outcome, error) {
	places, err := r.placesOf(b.cargo)
	if err != nil {
		return 0, err
	}
	body, err := r.newBody(ctx, b.cargo.descriptor, places)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	body.gauge = &b.cargo.gauge
	outcome, err := r.target.PushBlob(ctx, b.repository, b.cargo.descriptor, body)
	if err == nil {
		body.gauge.reach(b.cargo.Size)
	} else {
		body.Close() // a reader that is not used any more may hold the body until then
		r.lose(b.cargo, body.lostPlaces(), err)
	}
	return outcome, err
}

// placesOf are the places at which a blob has not been found unreadable; the error is why none
// is left.
func (r *run) placesOf(c *cargo) ([]place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(c.places), func(p place) bool { return slices.Contains(c.lost, p) })
	if len(left) == 0 {
		return nil, c.lostTo
	}
	return left, nil
}

// lose notes places at which a blob cannot be read.
func (r *run) lose(c *cargo, places []place, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(places) > 0 {
		c.lost, c.lostTo = append(c.lost, places...), err
	}
}

// newBody reads a blob from places, the first of which may be read in pieces, ahead of
// the upload. What is read ahead lies in a file and need not be kept once more.
func (r *run) newBody(ctx context.Context, blob v1.Descriptor, places []place) (*spool, error) {
	var openers []place
	for _, p := range places {
		openers = append(openers, place{counting{p.source, &r.stats}, p.repository})
	}
	body, err := newSpool(ctx, blob, openers, &r.stats, keeper{})
	if err != nil {
		return nil, err
	}
	if blob.Size >= aheadFrom {
		if a := newAhead(body.ctx, places[0], blob, max(aheadPiece, blob.Size/mostPieces), r.scratch, &r.stats); a != nil {
			body.places, body.onClose = append([]place{{a, ""}}, openers...), a.close
			return body, nil
		}
	}
	body.kept = r.scratch.cautious(blob.Size)
	return body, nil
}

// mount links a blob from the repository that holds it, and copies it where the target
// refuses that: from that repository if it can be read and kept, so that the source is not
// asked twice.
func (r *run) mount(ctx context.Context, b *berth) {
	if !r.wanted(b) {
		r.settle(b, 0, errUnwanted)
		return
	}
	mounted, err := r.target.MountBlob(ctx, b.repository, b.cargo.descriptor, b.cargo.home)
	if err != nil || mounted {
		r.settle(b, Mounted, err)
		return
	}
	outcome, err := r.pushFromTarget(ctx, b)
	if err != nil && ctx.Err() == nil {
		outcome, err = r.push(ctx, b)
	}
	r.settle(b, outcome, err)
}

// pushFromTarget reads the blob whole before it sends it: reading while sending would take
// two places at the target's gate, and all could wait for the second.
func (r *run) pushFromTarget(ctx context.Context, b *berth) (Outcome, error) {
	source, ok := r.target.(Source)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	stats := transfer{} // what is read here is not the source's
	body, err := newSpool(ctx, b.cargo.descriptor, []place{{source, b.cargo.home}}, &stats, r.scratch.keeper(b.cargo.Size))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	if !body.kept.keeps() {
		return 0, errors.ErrUnsupported
	}
	if err := body.fill(); err != nil {
		return 0, err
	}
	if !body.kept.keeps() {
		return 0, errors.ErrUnsupported
	}
	stats.sent.Store(0)
	outcome, err := r.target.PushBlob(ctx, b.repository, b.cargo.descriptor, body)
	r.stats.sent.Add(stats.sent.Load())
	return outcome, err
}

// settle notes what became of a blob in a repository, and starts what that allows.
func (r *run) settle(b *berth, outcome Outcome, err error) {
	r.mu.Lock()
	b.settled = true
	var ready []*parcel
	var failed []*parcel
	var again bool
	if err == nil {
		again = r.arrived(b, outcome)
		for _, p := range b.waiting {
			if delete(p.missing, b); len(p.missing) == 0 && !p.done {
				ready = append(ready, p)
			}
		}
	} else {
		again = b.cargo.home == ""
		failed = b.waiting
	}
	r.mu.Unlock()
	for _, p := range ready {
		r.queue.addUrgent(func(ctx context.Context) { r.put(ctx, p) })
	}
	for _, p := range failed {
		r.finish(p, p.failure(b, err))
	}
	if again {
		r.dispatch(b.cargo)
	}
}

// failure is why an artifact failed for want of a blob: a user can do without what is attached.
func (p *parcel) failure(b *berth, err error) error {
	var named *Error
	if p.own[b] || !errors.As(err, &named) || named.Side != SideSource {
		return err
	}
	hinted := *named
	hinted.Err = fmt.Errorf("%w, which only a signature or another attachment needs", named.Err)
	hinted.Hint = cmp.Or(named.Hint, "--signatures=false copies the image without its attachments")
	return &hinted
}

// arrived counts, and makes the repository of an upload the one that others mount from:
// once the first artifact there is put, for a registry may ask that, or at once if that has happened.
func (r *run) arrived(b *berth, outcome Outcome) (dispatch bool) {
	switch outcome {
	case Uploaded:
		r.counts.uploaded++
	case Mounted:
		r.counts.mounted++
	case Existed:
		r.counts.present++
	}
	if b.cargo.home != "" {
		return false
	}
	for _, p := range b.waiting {
		if p.done {
			b.cargo.home = b.repository
			return true
		}
	}
	first := b.waiting[0]
	first.release = append(first.release, b.cargo)
	return false
}

// put puts an artifact's manifests, its tag last.
func (r *run) put(ctx context.Context, p *parcel) {
	for _, n := range p.nodes {
		if err := r.target.PushManifest(ctx, p.Target.Repository, n.reference, n.manifest); err != nil {
			r.finish(p, err)
			return
		}
	}
	r.finish(p, nil)
}

// finish notes what became of an artifact, once, tells, and lets others mount its blobs.
func (r *run) finish(p *parcel, err error) {
	r.mu.Lock()
	if p.done {
		r.mu.Unlock()
		return
	}
	p.done, p.err = true, err
	release := p.release
	for _, c := range release {
		c.home = p.Target.Repository
	}
	r.mu.Unlock()
	r.opts.Meter.ArtifactsDone.Add(1)
	if err != nil {
		r.opts.Meter.ArtifactsFailed.Add(1)
	}
	r.tell.Lock()
	r.opts.ArtifactDone(Result{PlannedArtifact: p.PlannedArtifact, Err: err})
	r.tell.Unlock()
	for _, c := range release {
		r.dispatch(c)
	}
}

// abandon fails what has not been finished when the run was interrupted.
func (r *run) abandon(err error) {
	for _, p := range r.parcels {
		r.finish(p, err)
	}
}

func (r *run) report() *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := &Report{
		BytesFetched: r.stats.fetched.Load(), BytesSent: r.stats.sent.Load(),
		BlobsUploaded: r.counts.uploaded, BlobsMounted: r.counts.mounted, BlobsPresent: r.counts.present,
	}
	for _, p := range r.parcels {
		report.Results = append(report.Results, Result{PlannedArtifact: p.PlannedArtifact, Err: p.err})
		switch {
		case p.err != nil:
			report.Failed++
		case p.State == StatePresent:
			report.Present++
		case p.State == StateSkip:
			report.Skipped++
		default:
			report.Copied++
		}
	}
	return report
}
