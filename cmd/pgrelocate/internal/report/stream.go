package report

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// stream writes events, each with one call, so that a line is there as soon as it is told and those
// of two runs in one file stay whole. A nil stream writes nothing.
type stream struct {
	opts Options
	run  time.Time
	seq  int // guarded by the sink's lock
	*sink
}

// sink is where events go, those of several runs perhaps.
type sink struct {
	mu  sync.Mutex
	w   io.Writer
	end func() error
	err error
	// torn says that what was there ends with half a line: a run was killed, or a disk was full.
	torn bool
}

// beside is a stream of another run, to the same place.
func (s *stream) beside(opts Options, started time.Time) *stream {
	if s == nil {
		return nil
	}
	return &stream{opts: opts, run: started, sink: s.sink}
}

// openStream opens where the events go; nil where nobody wants any.
func openStream(ctx context.Context, opts Options, started time.Time) (*stream, error) {
	s := &stream{opts: opts, run: started, sink: &sink{end: func() error { return nil }}}
	switch opts.Events {
	case "":
		return nil, nil
	case "-":
		s.w = opts.Stdout
		return s, nil
	}
	f, err := openEvents(ctx, opts.Events)
	if errors.Is(err, fs.ErrExist) { // another run has made it at the same moment
		f, err = openEvents(ctx, opts.Events)
	}
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	s.w, s.end, s.torn = f, f.Close, isTorn(opts.Events)
	return s, nil
}

// openEvents opens a file of events to add to it, a pipe or a device.
func openEvents(ctx context.Context, path string) (*os.File, error) {
	fresh := false
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		fresh = true
		if err := files.CheckWritable(path, false); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case info.Mode().IsRegular():
		if err := checkEvents(path); err != nil {
			return nil, err
		}
	}
	mode := os.O_WRONLY | os.O_APPEND
	if fresh {
		mode |= os.O_CREATE | os.O_EXCL
	}
	// Opening a pipe waits for somebody who reads it.
	return heed.Call(ctx, func() (*os.File, error) { return os.OpenFile(path, mode, 0o644) })
}

// isTorn tells whether a file that can be read ends in the middle of a line.
func isTorn(path string) bool {
	if files.CheckRegular(path) != nil {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	end, err := f.Seek(-1, io.SeekEnd)
	if err != nil {
		return false
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], end)
	return err == nil && last[0] != '\n'
}

// checkEvents wants a file to be empty, or to begin with an event. What lies
// below /dev is what the shell opened.
func checkEvents(path string) error {
	if !strings.HasPrefix(path, "/dev/") {
		if err := files.CheckFree(path, true); err != nil {
			return err
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) { // perhaps it may only be written
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1<<16)).ReadBytes('\n')
	if len(line) == 0 && errors.Is(err, io.EOF) {
		return nil
	}
	var first Envelope
	if json.Unmarshal(line, &first) != nil || first.SchemaVersion == 0 || first.Event == "" {
		return notOurs(path)
	}
	return nil
}

// send writes one event. After a failure it writes no more, for lines would be missing.
func (s *stream) send(event func(Envelope) any, kind string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.seq++
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	s.err = encoder.Encode(event(Envelope{EventSchema, kind, s.opts.Now().UTC(), s.run.UTC(), s.seq}))
	if s.err == nil {
		text := terminal.Escaped(line.String())
		if s.torn {
			text, s.torn = "\n"+text, false // or the event would be lost with that half
		}
		_, s.err = io.WriteString(s.w, text)
	}
}

// failed is why events are missing; nil where none are.
func (s *stream) failed() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return nil
	}
	return fmt.Errorf("events: %w", s.err)
}

// close ends the stream, and returns why it is not whole.
func (s *stream) close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	if err := s.end(); s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	return s.failed()
}
