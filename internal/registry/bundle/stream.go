package bundle

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"golang.org/x/sync/errgroup"
)

// aheadBytes is how much of the blobs to come is kept in memory while one is written.
const aheadBytes = 32 << 20

const pieceSize = 256 << 10

// Stream writes a bundle to w from its first byte to its last. The next blobs are
// fetched while one is written, as far as 32 MiB reach. Where it fails, what was written
// is no bundle: its end is missing.
func Stream(ctx context.Context, w io.Writer, c *Content, fetch Fetch, opts WriteOptions) (*Written, error) {
	l, err := newLayout(c)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	s := &streamer{layout: l, out: io.MultiWriter(w, sum), fetch: fetch, opts: opts.withDefaults()}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return &Written{
		SHA256: []string{fmt.Sprintf("%x", sum.Sum(nil))},
		Size:   l.size, Unique: l.unique(), Fetched: s.fetched.Load(), Lock: l.lock,
	}, nil
}

type streamer struct {
	layout  *layout
	out     io.Writer
	fetch   Fetch
	opts    WriteOptions
	fetched atomic.Int64
}

func (s *streamer) run(ctx context.Context) error {
	for _, b := range s.layout.blobs {
		s.opts.Meter.BytesTotal.Add(b.descriptor.Size)
	}
	g, ctx := errgroup.WithContext(ctx)
	ahead := make(chan chan []byte, s.opts.Jobs-1)
	g.Go(func() error {
		defer close(ahead)
		return s.readAhead(ctx, g, ahead)
	})
	g.Go(func() error { return s.write(ctx, ahead) })
	return g.Wait()
}

// readAhead starts one download after the other; the channel holds back those that are
// too far ahead. Each blob may keep its share of the memory, so that none starves another.
func (s *streamer) readAhead(ctx context.Context, g *errgroup.Group, ahead chan<- chan []byte) error {
	share := max(1, aheadBytes/pieceSize/s.opts.Jobs)
	for _, b := range s.layout.blobs {
		pieces := make(chan []byte, share)
		select {
		case ahead <- pieces:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		g.Go(func() error {
			defer close(pieces)
			return s.download(ctx, b.descriptor, pieces)
		})
	}
	return nil
}

func (s *streamer) download(ctx context.Context, d v1.Descriptor, pieces chan<- []byte) error {
	err := s.pieces(ctx, d, pieces)
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &registry.Error{Op: "fetching blob", Side: registry.SideSource, Ref: d.Digest.String(), Err: err}
}

func (s *streamer) pieces(ctx context.Context, d v1.Descriptor, pieces chan<- []byte) error {
	body, err := s.fetch(ctx, d, 0)
	if err != nil {
		return err
	}
	defer body.Close()
	h, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return err
	}
	for n := int64(0); ; {
		piece := make([]byte, min(pieceSize, max(1, d.Size-n+1)))
		got, err := readFull(body, piece)
		n += int64(got)
		h.Write(piece[:got])
		if n > d.Size || errors.Is(err, io.EOF) && n != d.Size {
			return fmt.Errorf("%w: %d bytes came, %d were expected", registry.ErrDigestMismatch, n, d.Size)
		}
		// The last piece waits for the digest: a wrong blob is never complete.
		if errors.Is(err, io.EOF) {
			if sum := digest(h, d); sum != d.Digest {
				return fmt.Errorf("%w: the content has %s", registry.ErrDigestMismatch, sum)
			}
		} else if err != nil {
			return err
		}
		select {
		case pieces <- piece[:got]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return nil
		}
	}
}

// write puts frame and blobs together in the order of the file.
func (s *streamer) write(ctx context.Context, ahead <-chan chan []byte) error {
	blobs := s.layout.blobs
	for _, c := range s.layout.frame {
		for len(blobs) > 0 && blobs[0].offset < c.offset {
			if err := s.writeBlob(ctx, blobs[0], ahead); err != nil {
				return err
			}
			blobs = blobs[1:]
		}
		if _, err := s.out.Write(c.bytes); err != nil {
			return err
		}
	}
	for _, b := range blobs { // an empty one leaves no hole in the frame
		if err := s.writeBlob(ctx, b, ahead); err != nil {
			return err
		}
	}
	return nil
}

func (s *streamer) writeBlob(ctx context.Context, b slot, ahead <-chan chan []byte) error {
	pieces, ok := <-ahead
	if !ok {
		return context.Cause(ctx)
	}
	written := int64(0)
	for piece := range pieces {
		if _, err := s.out.Write(piece); err != nil {
			return err
		}
		written += int64(len(piece))
		s.fetched.Add(int64(len(piece)))
		s.opts.Meter.BytesDone.Add(int64(len(piece)))
	}
	if written != b.descriptor.Size {
		<-ctx.Done() // the download that failed says why
		return context.Cause(ctx)
	}
	return nil
}
