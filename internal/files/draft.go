package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// draft is a file that is being written, to take the place of another. Where the system can, it has no
// name until it is whole: what a kill leaves of one that has cannot be told from somebody's file, and so
// nobody would clear it away.
type draft struct {
	*os.File
	// at is its name; empty where it has none yet.
	at string
}

func newDraft(path string) (*draft, error) {
	if f, err := nameless(path); err == nil {
		return &draft{f, ""}, nil
	}
	f, err := neighbour(path)
	if err != nil {
		return nil, err
	}
	return &draft{f, f.Name()}, nil
}

// become gives a draft that is whole, and has no name yet, that of a file that is not there, so that there is
// never another. It tells whether that could be done.
func (d *draft) become(path string) bool { return d.at == "" && giveName(d.File, path) == nil }

// name gives a draft that is whole a name beside path, if it has none.
func (d *draft) name(path string) error {
	if d.at != "" {
		return nil
	}
	for range 100 {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), rand.Uint32()))
		err := giveName(d.File, name)
		if err == nil {
			d.at = name
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return d.copied(path)
}

// copied makes the draft one with a name, where the file system gives none to what had none.
func (d *draft) copied(path string) error {
	info, err := d.Stat()
	if err != nil {
		return err
	}
	named, err := neighbour(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(named, io.NewSectionReader(d.File, 0, info.Size()))
	if err = errors.Join(err, named.Chmod(info.Mode()), named.Sync()); err != nil {
		return errors.Join(err, named.Close(), os.Remove(named.Name()))
	}
	_ = d.Close()
	d.File, d.at = named, named.Name()
	return nil
}

// discard removes what is left of a draft that came to nothing.
func (d *draft) discard() error {
	if d.at == "" {
		return nil
	}
	if err := os.Remove(d.at); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
