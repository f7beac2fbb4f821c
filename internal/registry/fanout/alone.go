package fanout

import (
	"context"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// alone opens a blob for one branch.
func (f *Fan) alone(ctx context.Context, at origin, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	content, err := at.source.Blob(ctx, at.repository, blob, from, to)
	if err == nil {
		content.ReadCloser = &counted{content.ReadCloser, f}
	}
	return content, err
}

// counted is content whose bytes are counted.
type counted struct {
	io.ReadCloser
	fan *Fan
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.fan.arrived(n)
	return n, err
}

// mayPush waits until a branch may send a blob that it would have to read for itself, before it takes a
// place at its target: who held that while he waits for a place at the source could wait for one who
// waits for him. The function that it returns says that the blob is sent.
func (f *Fan) mayPush(ctx context.Context, b *Branch, blob v1.Descriptor) (done func(), err error) {
	f.mu.Lock()
	shared := f.shared(b, blob)
	f.mu.Unlock()
	if shared != nil || blob.Size == 0 {
		return func() {}, nil
	}
	if err := f.own.take(ctx, b.index); err != nil {
		return nil, err
	}
	return func() { f.own.give(b.index) }, nil
}

// turns share the places at a source out among the branches that read for themselves: who sends slowly
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
