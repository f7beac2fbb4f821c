// Package progress shows how far a run has come: one bar on a terminal, a line now and
// then in a log, nothing where nobody wants it. What else is written to the same stream
// goes through a Shared writer, which takes the bar away first and puts it back after.
package progress

import (
	"bytes"
	"cmp"
	"io"
	"sync"
)

// Shared is a stream that messages and a bar have in common. Use Share. It is safe for
// concurrent use; a message appears once its line is complete.
type Shared struct {
	mu      sync.Mutex
	w       io.Writer
	partial []byte
	// bar is what stands in the last line of the terminal; empty where there is none.
	bar string
	// progress and trouble are what is to stand there: trouble only where there is no progress,
	// unless it is urgent.
	progress, trouble string
	urgent            bool
	// held: the other stream of the same terminal is in the middle of a line.
	held bool
}

// Share returns a Shared writer on w.
func Share(w io.Writer) *Shared {
	if s, ok := w.(*Shared); ok {
		return s
	}
	return &Shared{w: w}
}

// Write writes the complete lines of p, and keeps what follows the last of them while a
// bar is shown.
func (s *Shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == "" {
		return s.w.Write(p)
	}
	text := append(s.partial, p...)
	end := bytes.LastIndexByte(text, '\n') + 1
	s.partial = append([]byte(nil), text[end:]...)
	if end == 0 {
		return len(p), nil
	}
	if _, err := s.w.Write(append(erase(s.bar), append(text[:end:end], s.bar...)...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// show puts line in the place of the bar that is there; empty takes it away.
func (s *Shared) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = line
	s.draw()
}

// showTrouble puts line where nothing is, and where the bar is if it is urgent, until it is called
// with an empty one.
func (s *Shared) showTrouble(line string, urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble, s.urgent = line, urgent
	s.draw()
}

func (s *Shared) draw() {
	line := cmp.Or(s.progress, s.trouble)
	if s.urgent {
		line = cmp.Or(s.trouble, s.progress)
	}
	if line == s.bar || s.held {
		return
	}
	text := append(erase(s.bar), line...)
	s.bar = line
	if line == "" {
		text = append(text, s.partial...)
		s.partial = nil
	}
	_, _ = s.w.Write(text)
}

// Beside returns another stream on the same terminal, w: the bar is taken away before anything
// is written to it, and comes back with its next change.
func (s *Shared) Beside(w io.Writer) io.Writer { return &beside{s, w} }

type beside struct {
	shared *Shared
	w      io.Writer
}

// Write writes p to the other stream.
func (b *beside) Write(p []byte) (int, error) {
	b.shared.mu.Lock()
	defer b.shared.mu.Unlock()
	if _, err := b.shared.w.Write(erase(b.shared.bar)); err != nil {
		return 0, err
	}
	b.shared.bar = ""
	b.shared.held = len(p) > 0 && p[len(p)-1] != '\n'
	return b.w.Write(p)
}
