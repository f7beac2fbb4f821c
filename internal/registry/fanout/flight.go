package fanout

import (
	"context"
	"errors"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// A blob from piecesFrom bytes on is fetched in pieces, as package transfer does for one target:
// sources often bound the bandwidth of a connection.
const (
	piecesFrom   = 256 << 20
	pieceSize    = 128 << 20
	piecesAtOnce = 4
	mostPieces   = 64
)

// flight is one blob that is fetched for several branches, or has been. What of it was fetched lies in
// the spool, and can be read by all of them, from any offset and more than once.
type flight struct {
	fan    *Fan
	at     origin // where it is fetched from, once somebody wants it
	blob   v1.Descriptor
	base   int64 // where it lies in the spool
	ctx    context.Context
	cancel context.CancelFunc

	readers int // guarded by the fan's lock

	mu      sync.Mutex
	changed *sync.Cond
	pieces  []*piece
	next    int   // the first piece that nobody fetches yet
	first   int64 // what is before has been asked for by nobody
	busy    int
	err     error
	ended   bool // nobody reads any more
}

// piece is the bytes from from to to, of which those before got are there.
type piece struct{ from, to, got int64 }

func newFlight(f *Fan, blob v1.Descriptor, base int64) *flight {
	fl := &flight{fan: f, blob: blob, base: base}
	fl.ctx, fl.cancel = context.WithCancel(f.ctx)
	fl.changed = sync.NewCond(&fl.mu)
	return fl
}

// want has everything fetched from an offset on, once, from where the first wants it. A target that has
// the beginning from an earlier run does not ask for it.
func (fl *flight) want(at origin, from int64) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	switch {
	case fl.pieces == nil:
		fl.at = at
		first := &piece{from: from, to: fl.blob.Size, got: from}
		if from == 0 && fl.inPieces() {
			first.to = fl.pieceSize()
		}
		fl.pieces, fl.first = []*piece{first}, from
	case from < fl.first:
		fl.pieces = append(fl.pieces, &piece{from: from, to: fl.first, got: from})
		fl.first = from
	}
	fl.start()
}

// wanted tells whether anybody has wanted it so far.
func (fl *flight) wanted() bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.pieces != nil
}

func (fl *flight) inPieces() bool { return fl.blob.Size >= piecesFrom && fl.at.source.InPieces() }

func (fl *flight) pieceSize() int64 { return max(pieceSize, fl.blob.Size/mostPieces) }

// start fetches the next pieces, a few at once. The lock is held.
func (fl *flight) start() {
	for fl.err == nil && fl.next < len(fl.pieces) && fl.busy < piecesAtOnce {
		p := fl.pieces[fl.next]
		fl.next++
		fl.busy++
		fl.fan.fetch.Go(func() { fl.fetch(p) })
	}
}

func (fl *flight) fetch(p *piece) {
	err := fl.receive(p)
	fl.mu.Lock()
	fl.busy--
	if err != nil && fl.err == nil {
		fl.err = err
		fl.cancel()
	}
	fl.start()
	fl.release()
	fl.changed.Broadcast()
	fl.mu.Unlock()
	if err != nil {
		fl.fan.mu.Lock()
		fl.fan.drop(fl)
		fl.fan.mu.Unlock()
	}
}

func (fl *flight) receive(p *piece) error {
	content, err := fl.at.source.Blob(fl.ctx, fl.at.repository, fl.blob, p.from, p.to)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	if p.from == 0 && p.to < fl.blob.Size {
		fl.split(p, content.Whole)
	}
	buffer := files.Buffer()
	defer files.Release(buffer)
	for p.got < p.to {
		n, err := content.Read((*buffer)[:min(int64(len(*buffer)), p.to-p.got)])
		fl.fan.arrived(n)
		if keepErr := fl.keep(p, (*buffer)[:n]); keepErr != nil {
			return keepErr
		}
		if errors.Is(err, io.EOF) && p.got < p.to {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// split makes the other pieces unless the answer for the first, the whole blob, shows that there are
// no ranges, or all behind it is being fetched already.
func (fl *flight) split(first *piece, whole bool) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if len(fl.pieces) > 1 {
		return
	}
	if whole {
		first.to = fl.blob.Size
		return
	}
	for from := first.to; from < fl.blob.Size; from += fl.pieceSize() {
		fl.pieces = append(fl.pieces, &piece{from: from, to: min(from+fl.pieceSize(), fl.blob.Size), got: from})
	}
	fl.start()
}

// keep puts bytes where they are read, and tells whoever waits for them.
func (fl *flight) keep(p *piece, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	if err := fl.fan.spool.write(content, fl.base+p.got); err != nil {
		return err
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	p.got += int64(len(content))
	fl.changed.Broadcast()
	return nil
}

// complete tells whether all that anybody has asked for is there.
func (fl *flight) complete() bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	for _, p := range fl.pieces {
		if p.got < p.to {
			return false
		}
	}
	return true
}

// end stops the fetching, and gives the room back as soon as nothing is written there any more. It may
// be called more than once.
func (fl *flight) end() {
	fl.cancel()
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if !fl.ended {
		fl.ended = true
		fl.release()
	}
}

// release gives the room back, once. The lock is held.
func (fl *flight) release() {
	if fl.ended && fl.busy == 0 && fl.base >= 0 {
		fl.fan.spool.give(fl.base, fl.blob.Size)
		fl.base = -1
	}
}

// wait returns how many bytes there are at an offset, at least one.
func (fl *flight) wait(ctx context.Context, at int64) (int64, error) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	for {
		if n := fl.available(at); n > 0 {
			return n, nil
		}
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case fl.err != nil:
			return 0, fl.err
		}
		fl.changed.Wait()
	}
}

// available is how many bytes there are at an offset. The lock is held.
func (fl *flight) available(at int64) int64 {
	for _, p := range fl.pieces {
		if p.from <= at && at < p.got {
			return p.got - at
		}
	}
	return 0
}
