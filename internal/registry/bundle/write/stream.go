package write

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// A stream is written from its first byte to its last, while registries serve several
// connections faster than one. So blobs are fetched in parts, several at once, and each
// waits in memory for its turn. Smaller parts would spend their time on round trips.
const (
	partSize  = 4 << 20
	pieceSize = 256 << 10
	// mostAhead bounds the parts in memory, whatever the number of jobs.
	mostAhead = 10
)

// Stream writes a bundle to w from its first byte to its last. What comes next is
// fetched meanwhile, up to 40 MiB of it. Where it fails, what was written is no
// bundle: its end is missing.
func Stream(ctx context.Context, w io.Writer, c *Content, fetch Fetch, opts Options) (*Result, error) {
	l, err := newLayout(c)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	s := &streamer{layout: l, out: io.MultiWriter(w, sum), fetch: fetch, opts: opts.withDefaults()}
	s.pieces.New = func() any { return make([]byte, pieceSize) }
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return &Result{
		SHA256: []string{fmt.Sprintf("%x", sum.Sum(nil))},
		Size:   l.size, Unique: l.unique(), Fetched: s.fetched.Load(), Lock: l.lock,
	}, nil
}

type streamer struct {
	layout  *layout
	out     io.Writer
	fetch   Fetch
	opts    Options
	fetched atomic.Int64
	pieces  sync.Pool
}

// part is the bytes of a blob from from up to to, on their way to the writer.
type part struct {
	blob     v1.Descriptor
	from, to int64
	pieces   chan []byte
}

func (s *streamer) run(ctx context.Context) error {
	for _, b := range s.layout.blobs {
		s.opts.Meter.BytesTotal.Add(b.descriptor.Size)
	}
	parts, err := s.split(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	// More than there are jobs: one that has its part begins with the next while the writer is
	// busy with another.
	ahead := make(chan part, min(s.opts.Jobs*3/2, mostAhead)-1)
	g.Go(func() error {
		defer close(ahead)
		return s.readAhead(ctx, g, parts, ahead)
	})
	g.Go(func() error { return s.write(ctx, ahead) })
	return g.Wait()
}

// split cuts large blobs into parts, unless the source serves them in one piece only. The first, which
// are fetched side by side, grow from one to the next: parts that end together would leave the line idle
// together until the next are answered, and be in memory together.
func (s *streamer) split(ctx context.Context) ([]part, error) {
	size, err := s.partSize(ctx)
	if err != nil {
		return nil, err
	}
	return s.cut(size), nil
}

func (s *streamer) cut(size int64) (parts []part) {
	for _, b := range s.layout.blobs {
		for from, end := int64(0), int64(-1); end < b.descriptor.Size; from = end {
			end = min(b.descriptor.Size, from+s.length(len(parts), size))
			parts = append(parts, part{blob: b.descriptor, from: from, to: end})
		}
	}
	return parts
}

// length is how long a part may be, by its number.
func (s *streamer) length(number int, size int64) int64 {
	if side := min(s.opts.Jobs, mostAhead); size == partSize && number < side {
		return size * int64(number+1) / int64(side)
	}
	return size
}

// partSize asks the source for one byte of the largest blob, to see whether it can.
func (s *streamer) partSize(ctx context.Context) (int64, error) {
	if len(s.layout.blobs) == 0 || s.layout.blobs[0].descriptor.Size <= partSize {
		return lock.MaxBlob, nil
	}
	body, err := s.fetch(ctx, s.layout.blobs[0].descriptor, 0, 1)
	if err != nil {
		return 0, fetchError(s.layout.blobs[0].descriptor, err)
	}
	if body.Whole {
		return lock.MaxBlob, body.Close()
	}
	return partSize, body.Close()
}

// readAhead starts one download after the other; the channel holds back those that are
// too far ahead. A part waits in memory whole, so that none starves another.
func (s *streamer) readAhead(ctx context.Context, g *errgroup.Group, parts []part, ahead chan<- part) error {
	for _, p := range parts {
		p.pieces = make(chan []byte, partSize/pieceSize)
		select {
		case ahead <- p:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		g.Go(func() error {
			defer close(p.pieces)
			return fetchError(p.blob, s.download(ctx, p))
		})
	}
	return nil
}

func fetchError(d v1.Descriptor, err error) error {
	var own *registry.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &own) {
		return err
	}
	return &registry.Error{Op: "fetching blob", Side: registry.SideSource, Ref: d.Digest.String(), Err: err}
}

// download reads one part.
func (s *streamer) download(ctx context.Context, p part) error {
	if p.blob.Size == 0 {
		return nil // the writer knows the digest of nothing
	}
	body, err := s.fetch(ctx, p.blob, p.from, p.to)
	if err != nil {
		return err
	}
	defer body.Close()
	for at := p.from; at < p.to; {
		piece := s.pieces.Get().([]byte)
		n, err := io.ReadFull(body, piece[:min(pieceSize, p.to-at)])
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", at+int64(n), p.blob.Size, err)
		}
		at += int64(n)
		if err := p.hand(ctx, piece[:n], body); err != nil {
			return err
		}
	}
	return nil
}

// hand gives a piece to the writer. Who has to wait for that gives up its place at the source
// meanwhile: the part that the writer is at may need it, where parts are whole blobs.
func (p part) hand(ctx context.Context, piece []byte, body registry.Content) error {
	select {
	case p.pieces <- piece:
		return nil
	default:
	}
	body.Permit.End()
	select {
	case p.pieces <- piece:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// write puts what is fixed and the blobs together in the order of the file.
func (s *streamer) write(ctx context.Context, ahead <-chan part) error {
	blobs := s.layout.blobs
	for _, c := range s.layout.fixed {
		for len(blobs) > 0 && blobs[0].offset < c.offset {
			if err := s.writeBlob(ctx, blobs[0].descriptor, ahead); err != nil {
				return err
			}
			blobs = blobs[1:]
		}
		if _, err := s.out.Write(c.bytes); err != nil {
			return err
		}
	}
	for _, b := range blobs { // an empty one leaves no space between
		if err := s.writeBlob(ctx, b.descriptor, ahead); err != nil {
			return err
		}
	}
	return nil
}

// writeBlob writes all parts of a blob. The last piece waits for the digest: a blob that
// is wrong is never complete.
func (s *streamer) writeBlob(ctx context.Context, d v1.Descriptor, ahead <-chan part) error {
	h, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return err
	}
	var last []byte
	for done := int64(0); ; {
		p, ok := <-ahead
		if !ok {
			return s.stopped(ctx)
		}
		for piece := range p.pieces {
			if err := s.pass(last); err != nil {
				return err
			}
			h.Write(piece)
			done += int64(len(piece))
			last = piece
		}
		if done != p.to {
			return s.stopped(ctx)
		}
		if p.to == d.Size {
			break
		}
	}
	if got := digest(h, d); got != d.Digest {
		return fetchError(d, fmt.Errorf("%w: the content has %s", registry.ErrDigestMismatch, got))
	}
	return s.pass(last)
}

// pass writes a piece and gives its memory back.
func (s *streamer) pass(piece []byte) error {
	if piece == nil {
		return nil
	}
	if _, err := s.out.Write(piece); err != nil {
		return err
	}
	s.fetched.Add(int64(len(piece)))
	s.opts.Meter.BytesDone.Add(int64(len(piece)))
	s.pieces.Put(piece[:cap(piece)]) //nolint:staticcheck // a slice header is small beside its piece
	return nil
}

// stopped waits for the download that failed to say why.
func (s *streamer) stopped(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}
