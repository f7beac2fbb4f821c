package write

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// A journal stands beside a partial bundle and notes how much of each blob is there.
// It is a hint: what it promises is hashed before it is believed, so that it need not
// reach the disk in any order. Its lines are
//
//	pgrelocate-partial 1 LAYOUT SIZE VOLUME-SIZE
//	DIGEST OFFSET BYTES.
//	finishing.
//
// where the last says that the files are whole and may have their final names already,
// and later lines overrule earlier ones. A line that was cut off is not read.
type journal struct {
	mu   sync.Mutex
	file *os.File
	// fresh: there was none before.
	fresh bool
}

// noted is what a journal tells.
type noted struct {
	layout       string
	size, volume int64
	spans        map[v1.Hash]progress
	finishing    bool
}

// progress is how many bytes of a blob are at an offset.
type progress struct{ offset, bytes int64 }

// openJournal opens the journal of the bundle at path and keeps other processes out. It
// returns what an earlier run noted, nil where there is nothing of use.
func openJournal(path string) (*journal, *noted, error) {
	if err := files.CheckFree(path, true); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|files.NoFollow, 0o644)
	if err != nil {
		return nil, nil, err
	}
	if err := files.Lock(f); err != nil {
		f.Close()
		return nil, nil, ErrBusy
	}
	info, err := f.Stat()
	if err == nil && !isJournal(f, info.Size()) {
		err = fmt.Errorf("%s is no journal of a save: move it away", path)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return &journal{file: f, fresh: info.Size() == 0}, readNotes(f), nil
}

const journalBegins = "pgrelocate-partial 1 "

// isJournal tells a journal, which may have been cut off, from somebody's file.
func isJournal(f *os.File, size int64) bool {
	head := make([]byte, min(size, int64(len(journalBegins))))
	_, err := f.ReadAt(head, 0)
	return err == nil && strings.HasPrefix(journalBegins, string(head))
}

func readNotes(f *os.File) *noted {
	lines := bufio.NewScanner(f)
	if !lines.Scan() {
		return nil
	}
	n := &noted{spans: make(map[v1.Hash]progress)}
	if _, err := fmt.Sscanf(lines.Text(), "pgrelocate-partial 1 %s %d %d", &n.layout, &n.size, &n.volume); err != nil || n.size < 0 || n.volume < 0 {
		return nil
	}
	for lines.Scan() {
		n.line(lines.Text())
	}
	return n
}

// start begins the notes of a layout.
func (j *journal) start(l *layout, volume int64) error {
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(j.file, "pgrelocate-partial 1 %s %d %d\n", l.id(), l.size, volume)
	return err
}

// proceed ends a line that was cut off.
func (j *journal) proceed() error {
	_, err := j.file.WriteString("\n")
	return err
}

func (n *noted) line(line string) {
	line, whole := strings.CutSuffix(line, ".")
	if !whole {
		return
	}
	if line == "finishing" {
		n.finishing = true
		return
	}
	var digest string
	var p progress
	if _, err := fmt.Sscanf(line, "%s %d %d", &digest, &p.offset, &p.bytes); err != nil {
		return
	}
	h, err := v1.NewHash(digest)
	if err == nil && p.offset >= 0 && p.bytes >= 0 && p.offset <= n.size && p.bytes <= n.size-p.offset {
		n.spans[h] = p
	}
}

func (j *journal) note(s span, bytes int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := fmt.Fprintf(j.file, "%s %d %d.\n", s.descriptor.Digest, s.offset, bytes)
	return err
}

// finish says that the files are whole, before the first of them gets its final name.
func (j *journal) finish() error {
	_, err := j.file.WriteString("finishing.\n")
	return errors.Join(err, j.file.Sync())
}

func (j *journal) Close() error { return j.file.Close() }
