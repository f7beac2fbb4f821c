package transfer

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// memoryBody is the size up to which a blob is kept in memory while it is on its way.
const memoryBody = 256 << 10

// tempFiles hands out the temporary files of a run. They are used again for one blob after
// the other: the pages of a new file cost more than writing to it does.
type tempFiles struct {
	dir string
	off bool
	// resent: an upload of the run has had to be sent again, so that others may have to.
	resent atomic.Bool
	sides  []registry.Source

	mu   sync.Mutex
	free []*tempFile
}

type tempFile struct {
	*os.File
	unlinked bool
}

// buffer keeps a stretch of one blob, from base up to end. The zero value keeps nothing.
type buffer struct {
	from      *tempFiles
	memory    []byte
	file      *tempFile
	base, end int64
}

// buffer keeps a blob of size bytes; where no file can be had it keeps nothing.
func (f *tempFiles) buffer(size int64) buffer {
	if size <= memoryBody {
		return buffer{memory: make([]byte, 0, size)}
	}
	if f.off {
		return buffer{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if last := len(f.free) - 1; last >= 0 {
		file := f.free[last]
		f.free = f.free[:last]
		return buffer{from: f, file: file}
	}
	file, err := os.CreateTemp(f.dir, "pgrelocate-blob-*")
	if err != nil {
		return buffer{}
	}
	// Unlinked at once where the system allows it, so that not even kill -9 leaves it behind.
	return buffer{from: f, file: &tempFile{file, os.Remove(file.Name()) == nil}}
}

// lazyBuffer is one that keeps a large blob only in a run that has met with trouble before
// the blob's first byte, else when the blob is rewound: most runs meet with none, and writing
// each blob to a file for them costs a quarter of a copy's processor time.
func (f *tempFiles) lazyBuffer(size int64) buffer {
	if size <= memoryBody {
		return f.buffer(size)
	}
	return buffer{from: f}
}

func (f *tempFiles) trouble() bool {
	return f.resent.Load() || slices.ContainsFunc(f.sides, registry.Source.Troubled)
}

// close removes the files; no buffer is in use any more.
func (f *tempFiles) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, file := range f.free {
		file.remove()
	}
	f.free = nil
}

func (f *tempFile) remove() {
	_ = f.Close()
	if !f.unlinked {
		_ = os.Remove(f.Name())
	}
}

// keeps tells whether there is anywhere to keep bytes.
func (b *buffer) keeps() bool { return b.file != nil || b.memory != nil }

// holds tells whether the byte at offset at is kept.
func (b *buffer) holds(at int64) bool { return b.keeps() && b.base <= at && at < b.end }

// starts tells a lazy buffer that the first bytes are about to be read, from offset at on.
func (b *buffer) starts(at, size int64) {
	if b.from != nil && b.from.trouble() {
		b.begin(at, size)
	}
}

// rewound tells a lazy buffer that what was read from offset at on is needed once more,
// and may be again.
func (b *buffer) rewound(at, size int64) {
	if b.from != nil {
		b.from.resent.Store(true)
		b.begin(at, size)
	}
}

// begin keeps what is read from offset at on. What is kept of another stretch goes: to read
// up to there, and then on behind it, would be two requests more.
func (b *buffer) begin(at, size int64) {
	if !b.keeps() {
		*b = b.from.buffer(size)
	} else if b.base <= at && at <= b.end {
		return
	}
	b.base, b.end = at, at
}

// keep adds what follows on the bytes that are kept; other bytes it passes over.
func (b *buffer) keep(p []byte, at int64) {
	if !b.keeps() || at > b.end || at+int64(len(p)) <= b.end {
		return
	}
	p = p[b.end-at:]
	if b.file == nil {
		b.memory = append(b.memory, p...)
	} else if _, err := b.file.WriteAt(p, b.end); err != nil {
		// The disk is full: go on without, and leave the room to others.
		b.file.remove()
		*b = buffer{}
		return
	}
	b.end += int64(len(p))
}

// read gives kept bytes from offset at, which it holds.
func (b *buffer) read(p []byte, at int64) (int, error) {
	p = p[:min(int64(len(p)), b.end-at)]
	if b.file == nil {
		return copy(p, b.memory[at-b.base:]), nil
	}
	return b.file.read(p, at)
}

// read gives bytes that are in the file, as many as there are.
func (f *tempFile) read(p []byte, at int64) (int, error) {
	n, err := f.ReadAt(p, at)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (b *buffer) discard() {
	if b.file != nil {
		b.from.mu.Lock()
		b.from.free = append(b.from.free, b.file)
		b.from.mu.Unlock()
	}
	*b = buffer{}
}
