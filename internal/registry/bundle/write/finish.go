package write

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
)

// replacedSuffix is what the files of the bundle before are called while those of the new
// one get their names. Who finds them knows that a run was killed between.
const replacedSuffix = ".replaced"

// finish gives the bundle its final name. Everything is on disk before the first rename,
// and closed, for some systems rename no file that is open.
func (p *partial) finish(overwrite bool, checksum func(finals []string) error) ([]string, error) {
	finals := volumes.Names(p.path, p.layout.size, p.volume)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"sync", p.files.Sync},
		{"note", p.journal.finish},
		{"close", p.closeFiles},
		{"rename", func() error { return p.rename(finals, overwrite && p.volume > 0) }},
		{"sync names", func() error { return syncFolder(filepath.Dir(p.path)) }},
		{"checksum", func() error { return checksum(finals) }},
		{"clean up", func() error { return p.cleanUp(overwrite) }},
		// The journal goes last: as long as it is there, the run counts as interrupted.
		{"forget", p.closeJournal},
	} {
		if err := p.step(step.name); err != nil {
			return nil, err
		}
		if err := step.do(); err != nil {
			return nil, err
		}
	}
	return finals, nil
}

func (p *partial) closeFiles() error {
	err := p.files.Close()
	p.files = new(volumes.Set)
	return err
}

func (p *partial) cleanUp(overwrite bool) error {
	leftovers := remains(p.path)
	if overwrite {
		leftovers = append(leftovers, volumes.Named(p.path, replacedSuffix)...)
	}
	return removeAll(leftovers)
}

func (p *partial) closeJournal() error {
	err := p.journal.Close()
	p.journal = nil
	return errors.Join(err, os.Remove(journalName(p.path)))
}

// rename gives the files their names. Several cannot be replaced at once, and volumes of two
// bundles must not lie beside one another under one name: those that are there are moved
// out of the way first.
func (p *partial) rename(finals []string, replace bool) error {
	if replace {
		if err := moveAway(bundleFiles(p.path)); err != nil {
			return err
		}
	}
	for i, name := range p.names {
		if err := p.step("rename " + name); err != nil {
			return err
		}
		if err := os.Rename(name, finals[i]); err != nil {
			return err
		}
	}
	if !replace {
		return nil
	}
	extra := slices.DeleteFunc(bundleFiles(p.path), func(name string) bool {
		return slices.ContainsFunc(finals, func(final string) bool { return filepath.Base(final) == filepath.Base(name) })
	})
	return removeAll(extra)
}

// moveAway renames the files of a bundle. What a run that was killed had moved stays as it is:
// that is the bundle that was there, and what has its name now is a piece of no bundle.
func moveAway(files []string) error {
	for _, name := range files {
		if _, err := os.Lstat(name + replacedSuffix); err == nil {
			continue
		}
		if err := os.Rename(name, name+replacedSuffix); err != nil {
			return err
		}
	}
	return nil
}

// bundleFiles are the files that make up, or lie in the way of, a bundle called path: the
// file itself and all volumes.
func bundleFiles(path string) []string { return volumes.Named(path, "") }

// stray is a file that only looks like a volume of the bundle at path: one before it is
// missing. Nobody knows what it is ("backup.tar.2023"), so that it is not ours to replace.
func stray(path string) string {
	there := map[int]bool{}
	for _, suffix := range []string{"", replacedSuffix} { // a run may have been killed while it moved them
		for _, name := range volumes.Named(path, suffix) {
			there[volumes.Number(strings.TrimSuffix(name, suffix))] = true
		}
	}
	for _, name := range volumes.Beside(path) {
		for n := volumes.Number(name); n > 0; n-- {
			if !there[n] {
				return name
			}
		}
	}
	return ""
}

// remains are what interrupted runs left of the bundle at path, the journal excepted.
func remains(path string) []string {
	return append(volumes.Named(path, ".partial"), volumes.Named(path, ".partial.old")...)
}

func removeAll(names []string) error {
	var errs []error
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
