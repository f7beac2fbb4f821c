package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// stdout is where results go. It remembers that one did not get there, for not all that writes looks:
// cobra's help does not, and a script that kept an empty file would take it for the answer.
type stdout struct {
	w      io.Writer
	mu     sync.Mutex
	failed error
}

// Write writes p.
func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err == nil {
		return n, nil
	}
	var file *os.PathError
	if errors.As(err, &file) {
		err = file.Err // the path says the same, and is no file that anybody has named
	}
	err = fmt.Errorf("writing to standard output: %w", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
	return n, err
}

// err is the first failure. That nobody reads on is none: head has had what it wanted.
func (s *stdout) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.failed, syscall.EPIPE) {
		return nil
	}
	return s.failed
}
