package uploads

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The bounds of a journal. Registries clear abandoned uploads away after a day to a week.
const (
	// KeptFor is how long an upload is remembered after it was last heard of.
	KeptFor = 7 * 24 * time.Hour
	// MostKept is how many uploads a journal holds when it is opened; the oldest go.
	MostKept = 256

	mostAddress = 8 << 10  // bytes
	mostEntry   = 16 << 10 // bytes
)

// Journal remembers uploads. Use Open. It is safe for concurrent use, also by several processes;
// nil remembers nothing.
type Journal struct{ dir string }

// The files of an upload, by the end of their names; what is written first is temporary.
const (
	entrySuffix = ".json"
	lockSuffix  = ".lock"
	tempSuffix  = ".tmp"
)

// ours are the names of a journal's files: nothing else in its folder is touched.
var ours = regexp.MustCompile(`^[0-9a-f]{32}(-[0-9]+)?\.(json|lock|tmp)$`)

// Open returns the journal in a folder, which it makes where it is missing, and clears what is too
// old or too much of what a journal has written there. A folder that others may read is refused.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a folder")}
	case info.Mode().Perm()&0o077 != 0:
		// Not made here, or opened by somebody who had a reason: it is left as it is.
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.New("others may read the folder")}
	}
	j := &Journal{dir}
	return j, j.clear(time.Now())
}

// Claim takes the upload of a blob for this process. It is nil where another process has it, or
// where nothing can be kept: the blob is sent without a journal then.
func (j *Journal) Claim(host, repository string, digest v1.Hash) *Claim {
	if j == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(host + "\x00" + repository + "\x00" + digest.String()))
	c := &Claim{
		name:  filepath.Join(j.dir, hex.EncodeToString(sum[:16])),
		entry: entry{Registry: host, Repository: repository, Digest: digest.String()},
	}
	if err := c.take(); err != nil {
		return nil
	}
	c.read()
	return c
}

// clear forgets uploads that are older than KeptFor, the oldest beyond MostKept, and what a
// process that was killed has left half done.
func (j *Journal) clear(now time.Time) error {
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return err
	}
	type aged struct {
		name  string
		since time.Time
	}
	var entries []aged
	for _, file := range files {
		if !ours.MatchString(file.Name()) {
			continue
		}
		name := filepath.Join(j.dir, file.Name())
		info, err := file.Info()
		if err != nil {
			continue // another process has removed it
		}
		switch filepath.Ext(name) {
		case entrySuffix:
			entries = append(entries, aged{strings.TrimSuffix(name, entrySuffix), info.ModTime()})
		case tempSuffix:
			if now.Sub(info.ModTime()) > time.Hour {
				_ = os.Remove(name)
			}
		case lockSuffix:
			name = strings.TrimSuffix(name, lockSuffix)
			if _, err := os.Lstat(name + entrySuffix); errors.Is(err, fs.ErrNotExist) {
				drop(name)
			}
		}
	}
	slices.SortFunc(entries, func(a, b aged) int { return cmp.Or(b.since.Compare(a.since), cmp.Compare(a.name, b.name)) })
	for i, e := range entries {
		if i >= MostKept || now.Sub(e.since) > KeptFor {
			drop(e.name)
		}
	}
	return nil
}

// drop forgets an upload that no process has at hand.
func drop(name string) {
	c := &Claim{name: name}
	if c.take() == nil {
		c.Forget()
		c.Release()
	}
}
