package write

import (
	"errors"
	"fmt"
	"io/fs"
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
	// step is called before each change that finish makes; tests end a run there.
	step func(name string) error
	// made are the files that were not there before.
	made []string
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

// openPartial opens what an interrupted run left, or starts, unless files are there that are not to
// be replaced.
func openPartial(path string, l *layout, opts Options) (*partial, error) {
	p := &partial{path: path, layout: l, volume: opts.VolumeSize, files: new(volumes.Set), step: func(string) error { return nil }}
	p.names = partialNames(path, l.size, p.volume, ".partial")
	var err error
	if p.journal, p.noted, err = openJournal(journalName(path)); err != nil {
		return nil, &BundleError{Path: path, Err: err}
	}
	for _, step := range []func() error{
		p.takeBack,
		func() error { return checkAbsent(path, l, opts) },
		func() error { return p.clear(opts.Overwrite) },
		func() error { return p.begin(!opts.NoResume) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, p.forget(), p.Close())
		}
	}
	return p, nil
}

// takeBack gives files their partial names again that a run had given their final ones when it
// was killed. What is in them is hashed before it is believed, as always.
func (p *partial) takeBack() error {
	if !p.fits() || !p.noted.finishing {
		return nil
	}
	taken := false
	for i, final := range volumes.Names(p.path, p.layout.size, p.volume) {
		info, err := os.Lstat(final)
		_, partialErr := os.Lstat(p.names[i])
		if err != nil || !info.Mode().IsRegular() || !errors.Is(partialErr, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(final, p.names[i]); err != nil {
			return err
		}
		taken = true
	}
	if !taken {
		return nil
	}
	return removeAll([]string{checksumName(p.path)}) // it is written again
}

// clear makes sure that what has the name of a partial file is ours: the journal comes first, so that
// what was there before any is somebody else's. It is removed, not written to: it may have other names.
func (p *partial) clear(overwrite bool) error {
	if !p.journal.fresh {
		return nil
	}
	for _, name := range p.names {
		info, err := os.Lstat(name)
		switch {
		case err != nil || !info.Mode().IsRegular():
		case !overwrite:
			return &BundleError{Path: name, Err: os.ErrExist}
		default:
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits tells whether the journal is that of this very bundle.
func (p *partial) fits() bool {
	return p.noted != nil && p.noted.layout == p.layout.id() && p.noted.volume == p.volume
}

// forget removes what a run that is refused has made itself.
func (p *partial) forget() error {
	if p.journal == nil || !p.journal.fresh {
		return nil
	}
	return removeAll(append(p.made, journalName(p.path)))
}

func (p *partial) begin(resume bool) error {
	switch {
	case resume && p.fits():
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
	for _, name := range p.names {
		if err := files.CheckFree(name, true); err != nil {
			return err
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			p.made = append(p.made, name)
		}
	}
	opened, err := volumes.Open(p.names, p.layout.size, p.volume, os.O_RDWR|os.O_CREATE|files.NoFollow)
	if err == nil {
		p.files = opened
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
	return &BundleError{Path: p.path, Err: fmt.Errorf("%w: %d bytes are needed and %d are free in %s", ErrNoSpace, need, free, folder)}
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
