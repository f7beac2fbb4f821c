package fanout

import (
	"context"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/pieces"
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
	pieces  []*pieces.Piece
	next    int   // the first piece that nobody fetches yet
	first   int64 // what is before has been asked for by nobody
	busy    int
	err     error
	ended   bool // nobody reads any more
}

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
		first := pieces.New(from, fl.blob.Size)
		if from == 0 && fl.inPieces() {
			first.To = pieces.Size(fl.blob.Size)
		}
		fl.pieces, fl.first = []*pieces.Piece{&first}, from
	case from < fl.first:
		before := pieces.New(from, fl.first)
		fl.pieces = append(fl.pieces, &before)
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

func (fl *flight) inPieces() bool { return fl.blob.Size >= pieces.From && fl.at.source.InPieces() }

// start fetches the next pieces, a few at once. The lock is held.
func (fl *flight) start() {
	for fl.err == nil && fl.next < len(fl.pieces) && fl.busy < pieces.AtOnce {
		p := fl.pieces[fl.next]
		fl.next++
		fl.busy++
		fl.fan.fetch.Go(func() { fl.fetch(p) })
	}
}

func (fl *flight) fetch(p *pieces.Piece) {
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

func (fl *flight) receive(p *pieces.Piece) error {
	content, err := fl.at.source.Blob(fl.ctx, fl.at.repository, fl.blob, p.From, p.To)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	if p.From == 0 && p.To < fl.blob.Size {
		fl.split(p, content.Whole)
	}
	buffer := files.Buffer()
	defer files.Release(buffer)
	return p.Receive(content, *buffer, fl.fan.arrived, func(part []byte) error { return fl.keep(p, part) })
}

// split makes the other pieces unless the answer for the first, the whole blob, shows that there are
// no ranges, or all behind it is being fetched already.
func (fl *flight) split(first *pieces.Piece, whole bool) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if len(fl.pieces) > 1 {
		return
	}
	if whole {
		first.To = fl.blob.Size
		return
	}
	for _, p := range pieces.Rest(first.To, fl.blob.Size, pieces.Size(fl.blob.Size)) {
		fl.pieces = append(fl.pieces, &p)
	}
	fl.start()
}

// keep puts bytes where they are read, and tells whoever waits for them.
func (fl *flight) keep(p *pieces.Piece, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	if err := fl.fan.spool.write(content, fl.base+p.Got); err != nil {
		return err
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	p.Got += int64(len(content))
	fl.changed.Broadcast()
	return nil
}

// complete tells whether all that anybody has asked for is there.
func (fl *flight) complete() bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	for _, p := range fl.pieces {
		if p.Got < p.To {
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
		if p.From <= at && at < p.Got {
			return p.Got - at
		}
	}
	return 0
}
