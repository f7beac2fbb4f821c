package write

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
)

// follower computes the checksum of each volume while the blobs arrive: it hashes up to
// the first byte that is not there yet, and waits.
type follower struct {
	files *volumes.Set
	spans []span // in file order
	size  int64
	sums  []string

	mu    sync.Mutex
	there []int64 // bytes of each span
	news  chan struct{}
}

func newFollower(files *volumes.Set, l *layout) *follower {
	return &follower{
		files: files, spans: l.blobs, size: l.size,
		there: make([]int64, len(l.blobs)),
		news:  make(chan struct{}, 1),
	}
}

// note says that the first bytes of a span are written.
func (f *follower) note(s span, bytes int64) {
	i, ok := slices.BinarySearchFunc(f.spans, s.offset, compareOffset)
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
	i, _ := slices.BinarySearchFunc(f.spans, pos, func(s span, pos int64) int {
		return compareOffset(span{offset: s.end() - 1}, pos)
	})
	for ; i < len(f.spans); i++ {
		if f.there[i] < f.spans[i].descriptor.Size {
			return f.spans[i].offset + f.there[i]
		}
	}
	return f.size
}

// run returns when every volume has its sum.
func (f *follower) run(ctx context.Context) error {
	buffer := files.Buffer()
	defer files.Release(buffer)
	h := sha256.New()
	for pos := int64(0); pos < f.size; {
		end := min(f.limit(pos), pos+int64(len(*buffer)), f.files.Border(pos))
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
		if pos == f.files.Border(pos-1) {
			f.sums = append(f.sums, fmt.Sprintf("%x", h.Sum(nil)))
			h.Reset()
		}
	}
	return nil
}

func compareOffset(s span, offset int64) int {
	switch {
	case s.offset < offset:
		return -1
	case s.offset > offset:
		return 1
	default:
		return 0
	}
}
