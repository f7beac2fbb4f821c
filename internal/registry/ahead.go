package registry

import (
	"context"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A blob from aheadFrom bytes on is fetched in pieces, several at once: registries and
// the object stores behind them often bound the bandwidth of one connection.
const (
	aheadFrom   = 256 << 20
	aheadPiece  = 128 << 20
	piecesAhead = 4
	mostPieces  = 64
)

// ranger is a source that can serve part of a blob.
type ranger interface {
	// BlobRange opens the bytes from from up to, but not including, to. A server that does
	// not serve ranges gives the whole blob to who asks from 0, and ranged is false then.
	BlobRange(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (content io.ReadCloser, ranged bool, err error)
}

// ahead is one large blob that is fetched in pieces into a file. It can be read from any
// offset, again too: what is not there yet is waited for.
type ahead struct {
	ctx        context.Context
	cancel     context.CancelFunc
	source     ranger
	repository string
	blob       v1.Descriptor
	piece      int64 // the size of a piece
	kept       keeper
	stats      *transfer
	fetchers   sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	pieces  []*piece
	next    int // the first piece that nobody fetches yet
	busy    int
}

// piece is the bytes from from to to, of which those before got are in the file.
type piece struct {
	from, to, got int64
	err           error
}

// newAhead reads a blob in pieces of so many bytes. It returns nil where that cannot be done.
func newAhead(ctx context.Context, p place, blob v1.Descriptor, size int64, files *scratch, stats *transfer) *ahead {
	source, ok := p.source.(ranger)
	if !ok {
		return nil
	}
	kept := files.keeper(blob.Size)
	if !kept.keeps() {
		return nil
	}
	a := &ahead{source: source, repository: p.repository, blob: blob, piece: size, kept: kept, stats: stats}
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.changed = sync.NewCond(&a.mu)
	a.pieces = []*piece{{from: 0, to: size}}
	return a
}

// Blob returns a reader from offset on; the arguments are those of Source.
func (a *ahead) Blob(_ context.Context, _ string, _ v1.Descriptor, offset int64) (io.ReadCloser, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.start()
	return &aheadReader{ahead: a, at: offset}, nil
}

// start fetches the next pieces, a few at once. The lock is held.
func (a *ahead) start() {
	for a.next < len(a.pieces) && a.busy < piecesAhead {
		p := a.pieces[a.next]
		a.next++
		a.busy++
		a.fetchers.Go(func() { a.fetch(p) })
	}
}

func (a *ahead) fetch(p *piece) {
	err := a.read(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	p.err = err
	if a.busy--; err == nil {
		a.start()
	}
	a.changed.Broadcast()
}

func (a *ahead) read(p *piece) error {
	content, ranged, err := a.source.BlobRange(a.ctx, a.repository, a.blob, p.from, p.to)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	if p.from == 0 {
		a.split(p, ranged)
	}
	buffer := make([]byte, 64<<10)
	for p.got < p.to {
		n, err := content.Read(buffer[:min(int64(len(buffer)), p.to-p.got)])
		a.stats.fetched.Add(int64(n))
		if writeErr := a.store(p, buffer[:n]); writeErr != nil {
			return writeErr
		}
		if err == io.EOF && p.got < p.to {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

// split makes the other pieces once the first answer shows that there are ranges.
func (a *ahead) split(first *piece, ranged bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !ranged {
		first.to = a.blob.Size
		return
	}
	for from := first.to; from < a.blob.Size; from += a.piece {
		a.pieces = append(a.pieces, &piece{from: from, to: min(from+a.piece, a.blob.Size), got: from})
	}
	a.start()
}

func (a *ahead) store(p *piece, content []byte) error {
	if _, err := a.kept.file.WriteAt(content, p.got); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.got += int64(len(content))
	a.changed.Broadcast()
	return nil
}

// close stops the fetching and gives the file back.
func (a *ahead) close() {
	a.cancel()
	a.fetchers.Wait()
	a.kept.discard()
}

type aheadReader struct {
	ahead *ahead
	at    int64
}

func (r *aheadReader) Read(p []byte) (int, error) {
	a := r.ahead
	if r.at == a.blob.Size {
		return 0, io.EOF
	}
	available, err := a.wait(r.at)
	if err != nil {
		a.cancel() // the blob is read otherwise from here on: more pieces would be in vain
		return 0, err
	}
	n, err := a.kept.file.read(p[:min(int64(len(p)), available)], r.at)
	r.at += int64(n)
	return n, err
}

// Close leaves the fetching alone: another reader may follow.
func (r *aheadReader) Close() error { return nil }

// wait returns how many bytes there are at offset at, at least one.
func (a *ahead) wait(at int64) (int64, error) {
	stop := context.AfterFunc(a.ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.changed.Broadcast()
	})
	defer stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		p := a.pieceAt(at)
		switch {
		case p != nil && p.got > at:
			return p.got - at, nil
		case p != nil && p.err != nil:
			return 0, p.err
		case a.pieces[0].err != nil:
			return 0, a.pieces[0].err // the others have never been made
		case a.ctx.Err() != nil:
			return 0, context.Cause(a.ctx)
		}
		a.changed.Wait()
	}
}

func (a *ahead) pieceAt(at int64) *piece {
	for _, p := range a.pieces {
		if p.from <= at && at < p.to {
			return p
		}
	}
	return nil
}
