package transfer

import (
	"context"
	"errors"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/pieces"
)

// parallelDownload is one large blob that is fetched in pieces into a file. It can be read from any
// offset, again too: what is not there yet is waited for.
type parallelDownload struct {
	ctx        context.Context
	cancel     context.CancelFunc
	source     opener
	repository string
	blob       v1.Descriptor
	piece      int64 // the size of a piece
	kept       buffer
	stats      *traffic
	fetchers   sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	first   int64 // where the first piece begins: what is before is not fetched
	pieces  []*piece
	next    int // the first piece that nobody fetches yet
	busy    int
}

// piece is what is fetched at once, into the file.
type piece struct {
	pieces.Piece
	err error
}

// newParallel reads a blob in pieces of so many bytes. It returns nil where there is no file for them.
func newParallel(ctx context.Context, from origin, blob v1.Descriptor, size int64, files *tempFiles, stats *traffic) *parallelDownload {
	kept := files.buffer(blob.Size)
	if !kept.keeps() {
		return nil
	}
	d := &parallelDownload{source: from.source, repository: from.repository, blob: blob, piece: size, kept: kept, stats: stats}
	d.ctx, d.cancel = context.WithCancel(ctx)
	d.changed = sync.NewCond(&d.mu)
	return d
}

// errNotFetched is what a parallel download is given up for that was begun too late in its blob, or
// whose source cannot serve it in pieces: the blob is read otherwise then.
var errNotFetched = errors.New("this part of the blob is not fetched in pieces")

// Blob returns a reader from offset on; the arguments are those of Source. What is before the first
// offset ever asked for is not fetched, and cannot be had later.
func (d *parallelDownload) Blob(_ context.Context, _ string, _ v1.Descriptor, offset, _ int64) (registry.Content, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pieces == nil {
		d.first = offset
		d.pieces = []*piece{{Piece: pieces.New(offset, min(offset+d.piece, d.blob.Size))}}
	}
	if offset < d.first {
		d.cancel()
		return registry.Content{}, errNotFetched
	}
	d.start()
	return registry.Content{ReadCloser: &parallelReader{of: d, at: offset}}, nil
}

// start fetches the next pieces, a few at once. The lock is held.
func (d *parallelDownload) start() {
	for d.next < len(d.pieces) && d.busy < pieces.AtOnce {
		p := d.pieces[d.next]
		d.next++
		d.busy++
		d.fetchers.Go(func() { d.fetch(p) })
	}
}

func (d *parallelDownload) fetch(p *piece) {
	err := d.read(p)
	d.mu.Lock()
	defer d.mu.Unlock()
	p.err = err
	if d.busy--; err == nil {
		d.start()
	}
	d.changed.Broadcast()
}

func (d *parallelDownload) read(p *piece) error {
	content, err := d.source.Blob(d.ctx, d.repository, d.blob, p.From, p.To)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	if content.Skipped { // each further piece would be all that is before it again
		return errNotFetched
	}
	if p.From == d.first {
		d.split(p, content.Whole)
	}
	return p.Receive(content, make([]byte, 64<<10),
		func(n int) { d.stats.fetched.Add(int64(n)) },
		func(part []byte) error { return d.store(p, part) })
}

// split makes the other pieces unless the first answer, the whole blob, shows that there are no
// ranges.
func (d *parallelDownload) split(first *piece, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if whole {
		first.To = d.blob.Size
		return
	}
	for _, p := range pieces.Rest(first.To, d.blob.Size, d.piece) {
		d.pieces = append(d.pieces, &piece{Piece: p})
	}
	d.start()
}

func (d *parallelDownload) store(p *piece, content []byte) error {
	if _, err := d.kept.file.WriteAt(content, p.Got); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p.Got += int64(len(content))
	d.changed.Broadcast()
	return nil
}

// close stops the fetching and gives the file back.
func (d *parallelDownload) close() {
	d.cancel()
	d.fetchers.Wait()
	d.kept.discard()
}

type parallelReader struct {
	of *parallelDownload
	at int64
}

func (r *parallelReader) Read(p []byte) (int, error) {
	d := r.of
	if r.at == d.blob.Size {
		return 0, io.EOF
	}
	available, err := d.wait(r.at)
	if err != nil {
		d.cancel() // the blob is read otherwise from here on: more pieces would be in vain
		return 0, err
	}
	n, err := d.kept.file.read(p[:min(int64(len(p)), available)], r.at)
	r.at += int64(n)
	return n, err
}

// Close leaves the fetching alone: another reader may follow.
func (r *parallelReader) Close() error { return nil }

// wait returns how many bytes there are at offset at, at least one.
func (d *parallelDownload) wait(at int64) (int64, error) {
	stop := context.AfterFunc(d.ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changed.Broadcast()
	})
	defer stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		p := d.pieceAt(at)
		switch {
		case p != nil && p.Got > at:
			return p.Got - at, nil
		case p != nil && p.err != nil:
			return 0, p.err
		case d.pieces[0].err != nil:
			return 0, d.pieces[0].err // the others have never been made
		case d.ctx.Err() != nil:
			return 0, context.Cause(d.ctx)
		}
		d.changed.Wait()
	}
}

func (d *parallelDownload) pieceAt(at int64) *piece {
	for _, p := range d.pieces {
		if p.From <= at && at < p.To {
			return p
		}
	}
	return nil
}
