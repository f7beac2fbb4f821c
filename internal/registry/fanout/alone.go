package fanout

import (
	"context"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// alone opens a blob for one branch.
func (f *Fan) alone(ctx context.Context, b *Branch, at place, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	if err := f.own.take(ctx, b.index); err != nil {
		return registry.Content{}, err
	}
	content, err := at.source.Blob(ctx, at.repository, blob, from, to)
	if err != nil {
		f.own.give(b.index)
		return registry.Content{}, err
	}
	own := &ownContent{ctx: ctx, fan: f, branch: b, content: content, holds: true}
	return registry.Content{
		ReadCloser: own, Permit: registry.Permit{Release: own.rest}, Whole: content.Whole, Skipped: content.Skipped,
	}, nil
}

// ownContent is a blob that a branch reads for itself, in its turn.
type ownContent struct {
	ctx     context.Context
	fan     *Fan
	branch  *Branch
	content registry.Content

	mu    sync.Mutex
	holds bool // a turn
}

// Read implements io.Reader.
func (o *ownContent) Read(p []byte) (int, error) {
	if err := o.turn(); err != nil {
		return 0, err
	}
	n, err := o.content.Read(p)
	o.fan.arrived(n)
	return n, err
}

// turn waits for a turn where the reader has none.
func (o *ownContent) turn() error {
	o.mu.Lock()
	holds := o.holds
	o.mu.Unlock()
	if holds {
		return nil
	}
	if err := o.fan.own.take(o.ctx, o.branch.index); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holds = true
	return nil
}

// rest gives turn and place back until the next Read.
func (o *ownContent) rest() {
	o.content.Permit.End()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holds {
		o.holds = false
		o.fan.own.give(o.branch.index)
	}
}

// Close implements io.Closer.
func (o *ownContent) Close() error {
	err := o.content.Close()
	o.rest()
	return err
}

var _ io.ReadCloser = (*ownContent)(nil)

// turns share the places at a source out among the branches that read for themselves: who reads slowly
// keeps his places for long.
type turns struct {
	jobs int

	mu      sync.Mutex
	changed *sync.Cond
	there   int // branches that have not ended
	held    []int
	gone    []bool
}

func newTurns(jobs, branches int) *turns {
	t := &turns{jobs: jobs, there: branches, held: make([]int, branches), gone: make([]bool, branches)}
	t.changed = sync.NewCond(&t.mu)
	return t
}

// take waits until a branch may have one turn more.
func (t *turns) take(ctx context.Context, branch int) error {
	stop := context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.changed.Broadcast()
	})
	defer stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.held[branch] >= max(1, t.jobs/max(1, t.there)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.changed.Wait()
	}
	t.held[branch]++
	return nil
}

func (t *turns) give(branch int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held[branch]--
	t.changed.Broadcast()
}

// leave notes that a branch reads no more.
func (t *turns) leave(branch int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.gone[branch] {
		t.gone[branch] = true
		t.there--
	}
	t.changed.Broadcast()
}
