package registry

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// memorySpool is the size up to which a blob is kept in memory while it is on its way.
const memorySpool = 256 << 10

// scratch hands out the temporary files of a run. They are used again for one blob after
// the other: the pages of a new file cost more than writing to it does.
type scratch struct {
	dir string
	off bool
	// shaky: an upload of the run has had to be sent again, so that others may have to.
	shaky atomic.Bool
	sides []shaky

	mu   sync.Mutex
	free []*scratchFile
}

type scratchFile struct {
	*os.File
	unlinked bool
}

// shaky is a side that tells whether anything there has had to be tried again so far.
type shaky interface{ Shaky() bool }

// keeper keeps a stretch of one blob, from base up to end. The zero value keeps nothing.
type keeper struct {
	from      *scratch
	memory    []byte
	file      *scratchFile
	base, end int64
}

// keeper keeps a blob of size bytes; where no file can be had it keeps nothing.
func (s *scratch) keeper(size int64) keeper {
	if size <= memorySpool {
		return keeper{memory: make([]byte, 0, size)}
	}
	if s.off {
		return keeper{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		file := s.free[last]
		s.free = s.free[:last]
		return keeper{from: s, file: file}
	}
	file, err := os.CreateTemp(s.dir, "pgrelocate-spool-*")
	if err != nil {
		return keeper{}
	}
	// Unlinked at once where the system allows it, so that not even kill -9 leaves it behind.
	return keeper{from: s, file: &scratchFile{file, os.Remove(file.Name()) == nil}}
}

// cautious is a keeper that keeps a large blob only in a run that has met with trouble before
// the blob's first byte, else when the blob is rewound: most runs meet with none, and writing
// each blob to a file for them costs a quarter of a copy's processor time.
func (s *scratch) cautious(size int64) keeper {
	if size <= memorySpool {
		return s.keeper(size)
	}
	return keeper{from: s}
}

func (s *scratch) trouble() bool {
	return s.shaky.Load() || slices.ContainsFunc(s.sides, shaky.Shaky)
}

// close removes the files; no keeper is in use any more.
func (s *scratch) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, file := range s.free {
		file.remove()
	}
	s.free = nil
}

func (f *scratchFile) remove() {
	_ = f.Close()
	if !f.unlinked {
		_ = os.Remove(f.Name())
	}
}

// keeps tells whether there is anywhere to keep bytes.
func (k *keeper) keeps() bool { return k.file != nil || k.memory != nil }

// holds tells whether the byte at offset at is kept.
func (k *keeper) holds(at int64) bool { return k.keeps() && k.base <= at && at < k.end }

// starts tells a cautious keeper that the blob's first bytes are about to be read.
func (k *keeper) starts(size int64) {
	if k.from != nil && k.from.trouble() {
		k.begin(0, size)
	}
}

// rewound tells a cautious keeper that what was read from offset at on is needed once more,
// and may be again.
func (k *keeper) rewound(at, size int64) {
	if k.from != nil {
		k.from.shaky.Store(true)
		k.begin(at, size)
	}
}

// begin keeps what is read from offset at on. What is kept of another stretch goes: to read
// up to there, and then on behind it, would be two requests more.
func (k *keeper) begin(at, size int64) {
	if !k.keeps() {
		*k = k.from.keeper(size)
	} else if k.base <= at && at <= k.end {
		return
	}
	k.base, k.end = at, at
}

// keep adds what follows on the bytes that are kept; other bytes it passes over.
func (k *keeper) keep(p []byte, at int64) {
	if !k.keeps() || at > k.end || at+int64(len(p)) <= k.end {
		return
	}
	p = p[k.end-at:]
	if k.file == nil {
		k.memory = append(k.memory, p...)
	} else if _, err := k.file.WriteAt(p, k.end); err != nil {
		// The disk is full: go on without, and leave the room to others.
		k.file.remove()
		*k = keeper{}
		return
	}
	k.end += int64(len(p))
}

// read gives kept bytes from offset at, which it holds.
func (k *keeper) read(p []byte, at int64) (int, error) {
	p = p[:min(int64(len(p)), k.end-at)]
	if k.file == nil {
		return copy(p, k.memory[at-k.base:]), nil
	}
	return k.file.read(p, at)
}

// read gives bytes that are in the file, as many as there are.
func (f *scratchFile) read(p []byte, at int64) (int, error) {
	n, err := f.ReadAt(p, at)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (k *keeper) discard() {
	if k.file != nil {
		k.from.mu.Lock()
		k.from.free = append(k.from.free, k.file)
		k.from.mu.Unlock()
	}
	*k = keeper{}
}
