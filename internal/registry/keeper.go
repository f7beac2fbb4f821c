package registry

import (
	"errors"
	"io"
	"os"
	"sync"
)

// memorySpool is the size up to which a blob is kept in memory while it is on its way.
const memorySpool = 256 << 10

// scratch hands out the temporary files of a run. They are used again for one blob after
// the other: the pages of a new file cost more than writing to it does.
type scratch struct {
	dir string
	off bool

	mu   sync.Mutex
	free []*scratchFile
}

type scratchFile struct {
	*os.File
	unlinked bool
}

// keeper keeps the beginning of one blob. The zero value keeps nothing.
type keeper struct {
	from   *scratch
	memory []byte
	file   *scratchFile
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

func (k *keeper) holds() bool { return k.file != nil || k.memory != nil }

func (k *keeper) keep(p []byte, at int64) {
	switch {
	case k.file != nil:
		if _, err := k.file.WriteAt(p, at); err != nil {
			// The disk is full: go on without, and leave the room to others.
			k.file.remove()
			*k = keeper{}
		}
	case k.memory != nil:
		k.memory = append(k.memory, p...)
	}
}

func (k *keeper) read(p []byte, at int64) (int, error) {
	if k.file == nil {
		return copy(p, k.memory[at:]), nil
	}
	n, err := k.file.ReadAt(p, at)
	if n > 0 || errors.Is(err, io.EOF) {
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
