package write

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
)

// partial is a bundle on its way: files with a name of their own, and the journal of
// what is in them.
type partial struct {
	path    string
	layout  *layout
	volume  int64
	names   []string
	files   *volumes.Set
	journal *journal
	// noted is what an interrupted run left in these files; nil where there was none.
	noted *noted
	// old is what a run with another content left: worth looking through.
	old *leftover
}

// leftover is the partial bundle of another content.
type leftover struct {
	noted *noted
	files *volumes.Set
	names []string
}

func partialNames(path string, size, volume int64, suffix string) []string {
	names := volumes.Names(path, size, volume)
	for i := range names {
		names[i] += suffix
	}
	return names
}

func journalName(path string) string { return path + ".partial.journal" }

// openPartial opens what an interrupted run left, or starts.
func openPartial(path string, l *layout, volume int64, resume bool) (*partial, error) {
	p := &partial{path: path, layout: l, volume: volume, files: new(volumes.Set)}
	p.names = partialNames(path, l.size, volume, ".partial")
	var err error
	if p.journal, p.noted, err = openJournal(journalName(path)); err != nil {
		return nil, &Error{Path: path, Err: err}
	}
	if err := p.begin(resume); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *partial) begin(resume bool) error {
	fits := p.noted != nil && p.noted.layout == p.layout.id() && p.noted.volume == p.volume
	switch {
	case resume && fits:
		if err := p.journal.proceed(); err != nil {
			return err
		}
	default:
		if !resume {
			if err := removeAll(remains(p.path)); err != nil {
				return err
			}
		}
		if err := p.setAside(resume); err != nil {
			return err
		}
		if err := p.journal.start(p.layout, p.volume); err != nil {
			return err
		}
	}
	files, err := volumes.Open(p.names, p.layout.size, p.volume, os.O_RDWR|os.O_CREATE)
	if err == nil {
		p.files = files
	}
	return err
}

// setAside renames what belongs to another content, so that its blobs can be taken over.
func (p *partial) setAside(resume bool) error {
	n := p.noted
	p.noted = nil
	if n == nil || !resume || n.volume != 0 && n.volume < MinVolume {
		return nil
	}
	p.old = &leftover{noted: n}
	for _, name := range partialNames(p.path, n.size, n.volume, ".partial") {
		aside := name + ".old"
		if err := os.Rename(name, aside); err != nil {
			p.old = nil
			return nil //nolint:nilerr // files are missing: nothing to look through
		}
		p.old.names = append(p.old.names, aside)
	}
	var err error
	p.old.files, err = volumes.Open(p.old.names, n.size, n.volume, os.O_RDONLY)
	return err
}

// dropOld removes the partial bundle of another content.
func (p *partial) dropOld() error {
	if p.old == nil {
		return nil
	}
	errs := []error{p.old.files.Close()}
	for _, name := range p.old.names {
		errs = append(errs, os.Remove(name))
	}
	p.old = nil
	return errors.Join(errs...)
}

// checkSpace compares what is still to be written with what is free.
func (p *partial) checkSpace() error {
	need := p.layout.size
	for _, f := range p.files.Files() {
		if info, err := f.Stat(); err == nil {
			need -= files.UsedSpace(info)
		}
	}
	folder := filepath.Dir(p.path)
	free, err := files.FreeSpace(folder)
	if err != nil || need <= free {
		return nil //nolint:nilerr // a disk that does not tell will say itself when it is full
	}
	return &Error{Path: p.path, Err: fmt.Errorf("%w: %d bytes are needed and %d are free in %s", ErrNoSpace, need, free, folder)}
}

func (p *partial) Close() error {
	var errs []error
	if p.old != nil {
		errs = append(errs, p.old.files.Close())
	}
	if p.journal != nil {
		errs = append(errs, p.journal.Close())
	}
	return errors.Join(append(errs, p.files.Close())...)
}

// syncFolder makes names durable, where the system lets folders be synced.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // the bundle is whole; only a crash could lose its name
	}
	defer f.Close()
	_ = f.Sync() // not every system can
	return nil
}
