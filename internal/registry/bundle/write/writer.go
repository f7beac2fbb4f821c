package write

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// noteEvery is how many bytes of a blob are written between two lines in the journal.
const noteEvery = 1 << 20

// writer fills the spaces of a layout.
type writer struct {
	partial *partial
	layout  *layout
	fetch   Fetch
	opts    Options
	blobs   []*filling
	hashes  *follower

	fetched, resumed atomic.Int64
}

// filling is a blob that is being written.
type filling struct {
	span
	// hash has seen the first done bytes.
	hash hash.Hash
	done int64
}

func (b *filling) complete() bool { return b.hash != nil && b.done == b.descriptor.Size }

func newWriter(p *partial, fetch Fetch, opts Options) *writer {
	w := &writer{partial: p, layout: p.layout, fetch: fetch, opts: opts}
	w.hashes = newFollower(p.files, p.layout)
	for _, s := range p.layout.blobs {
		w.blobs = append(w.blobs, &filling{span: s})
	}
	return w
}

func (w *writer) checkSpace(context.Context) error { return w.partial.checkSpace() }

// writeFixed writes everything but the blobs.
func (w *writer) writeFixed(context.Context) error {
	if err := w.partial.files.Truncate(); err != nil {
		return w.writeError(err)
	}
	for _, c := range w.layout.fixed {
		if _, err := w.partial.files.WriteAt(c.bytes, c.offset); err != nil {
			return w.writeError(err)
		}
	}
	return nil
}

// recover hashes what the journal says is there, and believes what can be believed. The
// last bytes of a blob decide: a beginning that is wrong is found out at its end.
func (w *writer) recover(ctx context.Context) error {
	if w.partial.noted == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, b := range w.blobs {
		p := w.partial.noted.spans[b.descriptor.Digest]
		if p.bytes == 0 || p.offset != b.offset {
			continue
		}
		g.Go(func() error {
			return w.take(ctx, b, io.NewSectionReader(w.partial.files, p.offset, min(p.bytes, b.descriptor.Size)), false)
		})
	}
	return g.Wait()
}

// takeOver copies whole blobs from the partial bundle of another content.
func (w *writer) takeOver(ctx context.Context) error {
	if w.partial.old == nil {
		return nil
	}
	w.opts.Notice("the interrupted save had other content: taking over the blobs that both have")
	for _, b := range w.blobs {
		p, ok := w.partial.old.noted.spans[b.descriptor.Digest]
		if !ok || p.bytes != b.descriptor.Size || b.done > 0 {
			continue
		}
		if err := w.take(ctx, b, io.NewSectionReader(w.partial.old.files, p.offset, p.bytes), true); err != nil {
			return err
		}
	}
	return w.partial.dropOld()
}

// take counts bytes as there that an earlier run fetched.
func (w *writer) take(ctx context.Context, b *filling, from io.Reader, write bool) error {
	if err := w.copy(ctx, b, from, write, nil); err != nil {
		return err
	}
	if b.complete() && digest(b.hash, b.descriptor) != b.descriptor.Digest {
		w.restart(b)
	}
	w.resumed.Add(b.done)
	if write && b.done > 0 {
		return w.partial.journal.note(b.span, b.done)
	}
	return nil
}

// fetchAndHash fetches what is missing while the checksum follows.
func (w *writer) fetchAndHash(ctx context.Context) error {
	w.opts.Meter.BytesTotal.Add(w.missing())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.hashes.run(ctx) })
	g.Go(func() error { return w.fetchAll(ctx) })
	return g.Wait()
}

func (w *writer) fetchAll(ctx context.Context) error {
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(w.opts.Jobs)
	for _, b := range w.blobs {
		if b.complete() {
			w.hashes.note(b.span, b.done)
			continue
		}
		if running.Err() != nil {
			break
		}
		g.Go(func() error { return w.fill(running, b) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// fill fetches one blob. Where the beginning was taken from an earlier run and the whole
// turns out to be wrong, it is fetched once more from the start.
func (w *writer) fill(ctx context.Context, b *filling) error {
	before := b.done
	err := w.fetchRest(ctx, b)
	if errors.Is(err, registry.ErrDigestMismatch) && before > 0 {
		w.restart(b)
		w.resumed.Add(-before)
		w.opts.Meter.BytesTotal.Add(b.descriptor.Size)
		err = w.fetchRest(ctx, b)
	}
	if own := new(registry.Error); err != nil && !errors.As(err, &own) {
		return &registry.Error{Op: "fetching blob", Side: registry.SideSource, Ref: b.descriptor.Digest.String(), Err: err}
	}
	return err
}

func (w *writer) restart(b *filling) { b.hash, b.done = nil, 0 }

func (w *writer) fetchRest(ctx context.Context, b *filling) error {
	body, err := w.fetch(ctx, b.descriptor, b.done, b.descriptor.Size)
	if err != nil {
		return err
	}
	defer body.Close()
	count := func(n int) {
		w.fetched.Add(int64(n))
		w.opts.Meter.BytesDone.Add(int64(n))
	}
	if err := w.copy(ctx, b, body, true, count); err != nil {
		return err
	}
	if b.done != b.descriptor.Size {
		return fmt.Errorf("%w: %d bytes came, %d were expected", io.ErrUnexpectedEOF, b.done, b.descriptor.Size)
	}
	if got := digest(b.hash, b.descriptor); got != b.descriptor.Digest {
		return fmt.Errorf("%w: the content has %s", registry.ErrDigestMismatch, got)
	}
	w.hashes.note(b.span, b.done)
	return w.partial.journal.note(b.span, b.done)
}

// copy hashes, and writes where it shall, from the point at which the blob stands.
func (w *writer) copy(ctx context.Context, b *filling, from io.Reader, write bool, count func(int)) error {
	if b.hash == nil {
		h, err := v1.Hasher(b.descriptor.Digest.Algorithm)
		if err != nil {
			return err
		}
		b.hash = h
	}
	buffer := files.Buffer()
	defer files.Release(buffer)
	next := b.done + noteEvery
	for ctx.Err() == nil {
		n, err := readFull(from, *buffer)
		if int64(n) > b.descriptor.Size-b.done {
			return fmt.Errorf("%w: more than the expected %d bytes came", registry.ErrDigestMismatch, b.descriptor.Size)
		}
		if werr := w.put(b, (*buffer)[:n], write, count); werr != nil {
			return werr
		}
		if write && b.done >= next && b.done < b.descriptor.Size {
			w.hashes.note(b.span, b.done)
			if err := w.partial.journal.note(b.span, b.done); err != nil {
				return err
			}
			next = b.done + noteEvery
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
	return context.Cause(ctx)
}

func (w *writer) put(b *filling, p []byte, write bool, count func(int)) error {
	b.hash.Write(p)
	if write {
		if _, err := w.partial.files.WriteAt(p, b.offset+b.done); err != nil {
			return w.writeError(err)
		}
	}
	b.done += int64(len(p))
	if count != nil {
		count(len(p))
	}
	return nil
}

func (w *writer) writeError(err error) error { return &BundleError{Path: w.partial.path, Err: err} }

// readFull fills p. Unlike io.ReadFull it keeps the reader's own error apart from a
// clean end, which is io.EOF.
func readFull(r io.Reader, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := r.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (w *writer) missing() int64 {
	var n int64
	for _, b := range w.blobs {
		n += b.descriptor.Size - b.done
	}
	return n
}

func (w *writer) written() *Result {
	return &Result{
		SHA256: w.hashes.sums, Size: w.layout.size, Unique: w.layout.unique(),
		Fetched: w.fetched.Load(), Resumed: w.resumed.Load(), Lock: w.layout.lock,
	}
}

func digest(h hash.Hash, d v1.Descriptor) v1.Hash {
	return v1.Hash{Algorithm: d.Digest.Algorithm, Hex: fmt.Sprintf("%x", h.Sum(nil))}
}
