package transfer

import (
	"context"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/pieces"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

var errUnwanted = errors.New("the artifacts that need it have failed")

// begin gives a placement a context that ends when nobody waits for it any more; it fails where
// nobody does now.
func (r *run) begin(ctx context.Context, p *placement) (context.Context, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.unwanted() {
		return nil, errUnwanted
	}
	ctx, p.stop = context.WithCancelCause(ctx)
	return ctx, nil
}

// forsake ends what is under way for an artifact that has failed, and for no other. The lock
// is held.
func (a *artifactTask) forsake() {
	for _, p := range a.missing {
		if p.stop != nil && p.unwanted() {
			p.stop(errUnwanted)
		}
	}
}

func (r *run) upload(ctx context.Context, p *placement) {
	ctx, err := r.begin(ctx, p)
	if err != nil {
		r.settle(p, 0, err)
		return
	}
	defer p.stop(nil)
	outcome, err := r.push(ctx, p)
	r.settle(p, outcome, err)
}

// push sends a blob from the origins where it can be read.
func (r *run) push(ctx context.Context, p *placement) (registry.Outcome, error) {
	origins, err := r.originsOf(p.blob)
	if err != nil {
		return 0, err
	}
	body, err := r.bodyFrom(ctx, p.blob.Descriptor, origins)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	body.gauge = &p.blob.gauge
	outcome, err := r.target.PushBlob(ctx, p.repository, p.blob.Descriptor, body, false)
	if err == nil {
		body.gauge.reach(p.blob.Size)
	} else {
		body.Close() // a reader that is not used any more may hold the body until then
		r.lose(p.blob, body.lostOrigins(), err)
	}
	return outcome, err
}

// originsOf are the origins at which a blob has not been found unreadable; the error is why none
// is left.
func (r *run) originsOf(b *blobTask) ([]plan.Origin, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(b.Origins), func(o plan.Origin) bool { return slices.Contains(b.lost, o) })
	if len(left) == 0 {
		return nil, b.lostTo
	}
	return left, nil
}

// lose notes origins at which a blob cannot be read.
func (r *run) lose(b *blobTask, origins []plan.Origin, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(origins) > 0 {
		b.lost, b.lostTo = append(b.lost, origins...), err
	}
}

// bodyFrom reads a blob from its origins, the first of which may be read in pieces, ahead of
// the upload. What is read ahead lies in a file and need not be kept once more.
func (r *run) bodyFrom(ctx context.Context, blob v1.Descriptor, origins []plan.Origin) (*body, error) {
	var from []origin
	for _, o := range origins {
		from = append(from, origin{counting{o.Source, &r.stats}, o.Host, o.Repository})
	}
	body, err := newBody(ctx, blob, from, &r.stats, buffer{})
	if err != nil {
		return nil, err
	}
	if blob.Size >= pieces.From && origins[0].Source.InPieces() {
		if d := newParallel(body.ctx, origin{origins[0].Source, origins[0].Host, origins[0].Repository}, blob, pieces.Size(blob.Size), r.files, &r.stats); d != nil {
			body.origins, body.onClose = append([]origin{{d, origins[0].Host, origins[0].Repository}}, from...), d.close
			return body, nil
		}
	}
	body.kept = r.files.lazyBuffer(blob.Size)
	return body, nil
}

// mount links a blob from the repository that holds it, and copies it where the target
// refuses that: from that repository if it can be read and kept, so that the source is not
// asked twice.
func (r *run) mount(ctx context.Context, p *placement) {
	ctx, err := r.begin(ctx, p)
	if err != nil {
		r.settle(p, 0, err)
		return
	}
	defer p.stop(nil)
	mounted, err := r.target.MountBlob(ctx, p.repository, p.blob.Descriptor, p.blob.home)
	if err != nil || mounted {
		r.settle(p, registry.Mounted, err)
		return
	}
	outcome, err := r.pushFromTarget(ctx, p)
	if err != nil && ctx.Err() == nil {
		outcome, err = r.push(ctx, p)
	}
	r.settle(p, outcome, err)
}

// pushFromTarget reads the blob whole before it sends it: reading while sending would take
// two origins at the target's gate, and all could wait for the second.
func (r *run) pushFromTarget(ctx context.Context, p *placement) (registry.Outcome, error) {
	stats := traffic{} // what is read here is not the source's
	body, err := newBody(ctx, p.blob.Descriptor, []origin{{r.target, "", p.blob.home}}, &stats, r.files.buffer(p.blob.Size))
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
	outcome, err := r.target.PushBlob(ctx, p.repository, p.blob.Descriptor, body, false)
	r.stats.sent.Add(stats.sent.Load())
	return outcome, err
}
