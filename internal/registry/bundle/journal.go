package bundle

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A journal stands beside a partial bundle and notes how much of each blob is there.
// It is a hint: what it promises is hashed before it is believed, so that it need not
// reach the disk in any order. Its lines are
//
//	pgrelocate-partial 1 LAYOUT SIZE VOLUME-SIZE
//	DIGEST OFFSET BYTES.
//
// and later lines overrule earlier ones. A line that was cut off is not read.
type journal struct {
	mu   sync.Mutex
	file *os.File
}

// noted is what a journal tells.
type noted struct {
	layout       string
	size, volume int64
	slots        map[v1.Hash]progress
}

// progress is how many bytes of a blob are at an offset.
type progress struct{ offset, bytes int64 }

// readJournal returns nil where there is none that can be used.
func readJournal(path string) *noted {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	if !lines.Scan() {
		return nil
	}
	n := &noted{slots: make(map[v1.Hash]progress)}
	if _, err := fmt.Sscanf(lines.Text(), "pgrelocate-partial 1 %s %d %d", &n.layout, &n.size, &n.volume); err != nil || n.size < 0 || n.volume < 0 {
		return nil
	}
	for lines.Scan() {
		n.line(lines.Text())
	}
	return n
}

func (n *noted) line(line string) {
	line, whole := strings.CutSuffix(line, ".")
	if !whole {
		return
	}
	var digest string
	var p progress
	if _, err := fmt.Sscanf(line, "%s %d %d", &digest, &p.offset, &p.bytes); err != nil {
		return
	}
	h, err := v1.NewHash(digest)
	if err == nil && p.offset >= 0 && p.bytes >= 0 && p.offset <= n.size && p.bytes <= n.size-p.offset {
		n.slots[h] = p
	}
}

// openJournal goes on with a journal, or starts one where from is nil.
func openJournal(path string, l *layout, volume int64, from *noted) (*journal, error) {
	flag := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if from == nil {
		flag |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, err
	}
	start := "\n" // ends a line that was cut off
	if from == nil {
		start = fmt.Sprintf("pgrelocate-partial 1 %s %d %d\n", l.id(), l.size, volume)
	}
	if _, err := f.WriteString(start); err != nil {
		f.Close()
		return nil, err
	}
	return &journal{file: f}, nil
}

func (j *journal) note(s slot, bytes int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := fmt.Fprintf(j.file, "%s %d %d.\n", s.descriptor.Digest, s.offset, bytes)
	return err
}

func (j *journal) Close() error { return j.file.Close() }
