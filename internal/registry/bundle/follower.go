package bundle

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sync"
)

// buffers are shared by everything that copies, so that memory stays bounded by what is
// in flight.
var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// follower computes the checksum of each volume while the blobs arrive: it hashes up to
// the first byte that is not there yet, and waits.
type follower struct {
	files *volumes
	slots []slot // in file order
	size  int64
	sums  []string

	mu    sync.Mutex
	there []int64 // bytes of each slot
	news  chan struct{}
}

func newFollower(files *volumes, l *layout) *follower {
	return &follower{
		files: files, slots: l.blobs, size: l.size,
		there: make([]int64, len(l.blobs)),
		news:  make(chan struct{}, 1),
	}
}

// note says that the first bytes of a slot are written.
func (f *follower) note(s slot, bytes int64) {
	i, ok := slices.BinarySearchFunc(f.slots, s.offset, compareOffset)
	if !ok {
		return
	}
	f.mu.Lock()
	f.there[i] = max(f.there[i], bytes)
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default: // there are news already
	}
}

// limit is the first byte from pos on that is not there.
func (f *follower) limit(pos int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, _ := slices.BinarySearchFunc(f.slots, pos, func(s slot, pos int64) int {
		return compareOffset(slot{offset: s.end() - 1}, pos)
	})
	for ; i < len(f.slots); i++ {
		if f.there[i] < f.slots[i].descriptor.Size {
			return f.slots[i].offset + f.there[i]
		}
	}
	return f.size
}

// run returns when every volume has its sum.
func (f *follower) run(ctx context.Context) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	h := sha256.New()
	for pos := int64(0); pos < f.size; {
		end := min(f.limit(pos), pos+int64(len(*buffer)), f.border(pos))
		if end <= pos {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-f.news:
			}
			continue
		}
		piece := (*buffer)[:end-pos]
		if _, err := f.files.ReadAt(piece, pos); err != nil && err != io.EOF { //nolint:errorlint // ReadAt's contract
			return err
		}
		h.Write(piece)
		pos = end
		if pos == f.border(pos-1) {
			f.sums = append(f.sums, fmt.Sprintf("%x", h.Sum(nil)))
			h.Reset()
		}
	}
	return nil
}

// border is the end of the volume that holds pos.
func (f *follower) border(pos int64) int64 {
	return min(f.size, (pos/f.files.each+1)*f.files.each)
}

func compareOffset(s slot, offset int64) int {
	switch {
	case s.offset < offset:
		return -1
	case s.offset > offset:
		return 1
	default:
		return 0
	}
}
