package fanout

import (
	"errors"
	"os"
	"slices"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// spool is one temporary file in which blobs lie beside each other, however many they are. It is
// no larger than its limit, nor than half of what the disk had left.
type spool struct {
	dir   string
	limit int64
	lost  func(error) // is told once why nothing more can be kept; nil is nobody

	mu   sync.Mutex
	file *os.File // nil until the first blob
	off  bool     // there is no file, or no room on the disk
	free []extent // what lies between blobs, in order, and all behind the last
}

// extent is a stretch of the file.
type extent struct{ from, to int64 }

func newSpool(dir string, limit int64, lost func(error)) *spool {
	if dir == "" {
		dir = os.TempDir()
	}
	return &spool{dir: dir, limit: limit, lost: lost, off: limit <= 0}
}

// take finds room for a blob, the foremost that there is; false is none.
func (s *spool) take(size int64) (base int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off || s.file == nil && !s.create() {
		return 0, false
	}
	for i := range s.free {
		if e := &s.free[i]; e.to-e.from >= size {
			base = e.from
			if e.from += size; e.from == e.to {
				s.free = slices.Delete(s.free, i, i+1)
			}
			return base, true
		}
	}
	return 0, false
}

// create makes the file. The lock is held.
func (s *spool) create() bool {
	file, err := files.Unnamed(s.dir)
	if err != nil {
		s.giveUp(err)
		return false
	}
	s.file = file
	if left, err := files.FreeSpace(s.dir); err == nil {
		s.limit = min(s.limit, left/2)
	}
	s.free = []extent{{0, s.limit}}
	return true
}

// give takes room back.
func (s *spool) give(base, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := slices.BinarySearchFunc(s.free, base, func(e extent, base int64) int {
		if e.from < base {
			return -1
		}
		return 1
	})
	s.free = slices.Insert(s.free, at, extent{base, base + size})
	if at+1 < len(s.free) && s.free[at].to == s.free[at+1].from {
		s.free[at].to = s.free[at+1].to
		s.free = slices.Delete(s.free, at+1, at+2)
	}
	if at > 0 && s.free[at-1].to == s.free[at].from {
		s.free[at-1].to = s.free[at].to
		s.free = slices.Delete(s.free, at, at+1)
	}
}

// errNoRoom is what a flight ends with whose bytes cannot be kept: branches read on for themselves.
var errNoRoom = errors.New("no room for what is read for several")

// write keeps bytes. Where that fails nothing more is kept, and the room is left to others.
func (s *spool) write(p []byte, at int64) error {
	if _, err := s.file.WriteAt(p, at); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.giveUp(err)
		return errNoRoom
	}
	return nil
}

// giveUp keeps nothing more. The lock is held.
func (s *spool) giveUp(err error) {
	if !s.off && s.lost != nil {
		s.lost(err)
	}
	s.off = true
}

// read gives bytes that are kept, as many as there are.
func (s *spool) read(p []byte, at int64) (int, error) {
	n, err := s.file.ReadAt(p, at)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_ = s.file.Close()
	}
	s.off = true
}
