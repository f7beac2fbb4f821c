// Package locking finds the lock that goes with a run, keeps other runs from it, and puts a new
// one in its place.
//
//	file, err := locking.Open(ctx, session, locking.Write, false)
//	defer file.Close()
package locking

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// LockError says why a lock cannot be used, or brought up to date.
type LockError struct {
	// Path is the file.
	Path string
	Err  error
	// NotOurs says that it is something else, which is not replaced.
	NotOurs bool
}

// Error is "pgrelocate.lock: …".
func (e *LockError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *LockError) Unwrap() error { return e.Err }

// What may be wrong with a lock.
var (
	// ErrNoLock: a run is to be held against a lock, and there is none.
	ErrNoLock = errors.New("there is no lock")
	// ErrOtherRegistry: the lock says what another registry holds.
	ErrOtherRegistry = errors.New("it is the lock of another registry")
	// ErrElsewhere: the lock names what lies outside of the registry's folder that it is said to be of.
	ErrElsewhere = errors.New("it names what lies outside of its own registry and folder")
	// ErrOutside: the lock would have something removed that is in no product's folder.
	ErrOutside = errors.New("it would remove what lies outside of the folders of all known products")
	// ErrNoPlan: what is to be carried out is no plan.
	ErrNoPlan = errors.New("not a plan")
	// ErrOtherPlan: the plan is for another registry.
	ErrOtherPlan = errors.New("it is a plan for another registry")
	// ErrLockChanged: somebody has changed the file while the run was under way.
	ErrLockChanged = errors.New("it has been changed meanwhile, and stays as it is")
)

// Mode is what a run does with its lock.
type Mode int

// The modes: Write keeps other runs from the lock until it is closed.
const (
	Read Mode = iota
	Write
)

// File is the lock that goes with a run. The zero value is none.
type File struct {
	// Path is the file; empty where there is none.
	Path string
	// Was is the lock in it when the run began; nil where there was none.
	Was *lock.Lock
	// Found says that it is the one in the working directory, and that nobody has named it.
	Found bool
	// there says that there was a file when the run began, and held what it held then.
	there   bool
	held    fingerprint
	replace bool
	release func()
}

// pathOf is the lock's file, and whether that is the one in the working directory that nobody
// has named; empty where there is none.
func pathOf(s *relocate.Session) (path string, found bool) {
	switch s.Config.Lock {
	case config.NoLock:
		return "", false
	case "":
		for _, name := range []string{config.FileOf(config.LocalLock, s.Config.Registry), config.LocalLock} {
			if isFile(name) {
				return name, true
			}
		}
		return "", false
	default:
		return s.Config.Lock, false
	}
}

func isFile(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// Open finds the lock of a run, and reads it. Overwrite takes a file that is no lock, or that of
// another registry, for none. The caller closes it.
func Open(ctx context.Context, s *relocate.Session, mode Mode, overwrite bool) (*File, error) {
	path, found := pathOf(s)
	if path == "" {
		return &File{replace: overwrite}, nil
	}
	if found {
		s.Note("held against %s in this folder", path)
	}
	file, err := open(ctx, s, path, mode, overwrite)
	if err != nil {
		return nil, err
	}
	file.Found = found
	return file, nil
}

func open(ctx context.Context, s *relocate.Session, path string, mode Mode, overwrite bool) (*File, error) {
	l, write := &File{Path: path, replace: overwrite}, mode == Write
	if write {
		if err := l.guard(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := l.read(s.Config.Registry, overwrite); err != nil {
		l.Close()
		return nil, err
	}
	if write {
		if err := files.CheckWritable(path, l.there); err != nil {
			l.Close()
			return nil, exit.Misnamed(fmt.Errorf("writing the lock: %w", err))
		}
	}
	return l, nil
}

func (l *File) guard(ctx context.Context, s *relocate.Session) (err error) {
	if err := files.CheckFree(l.Path, true); err != nil {
		return exit.Misnamed(fmt.Errorf("writing the lock: %w", err))
	}
	l.release, err = files.Guard(ctx, l.Path, func() { s.Note("waiting for another run that has %s", l.Path) })
	if err != nil && ctx.Err() == nil {
		err = exit.Misnamed(fmt.Errorf("writing the lock: %w", err))
	}
	return err
}

// Close lets other runs have the lock.
func (l *File) Close() {
	if l != nil && l.release != nil {
		l.release()
		l.release = nil
	}
}

// read reads the file, where there is one.
func (l *File) read(to ref.Folder, overwrite bool) error {
	body, err := files.ReadRegular(l.Path, lock.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil && !(overwrite && errors.Is(err, files.ErrTooLarge)) {
		return err
	}
	l.there, l.held = true, sha256.Sum256(body)
	was, err := lock.Parse(body)
	switch {
	case err != nil:
	case was.Planned:
		err = lock.ErrPlanned
	case !isOf(was, to):
		err = notOf(was)
	default:
		if to.Path != "" { // else the products' own folders are there
			was.Settle(to.Path)
		}
		l.Was = was
		return nil
	}
	if overwrite {
		return nil
	}
	return &exit.UsageError{Err: &LockError{Path: l.Path, Err: err, NotOurs: true}}
}

// notOf says that a lock is of another registry, and of which.
func notOf(l *lock.Lock) error {
	if l.Selection != nil {
		return fmt.Errorf("%w: %s", ErrOtherRegistry, l.Selection.Registry)
	}
	if len(l.Artifacts) > 0 {
		return fmt.Errorf("%w: it has %s", ErrOtherRegistry, l.Artifacts[0].Target)
	}
	return ErrOtherRegistry
}

// isOf tells whether a lock is of a registry. An earlier one tells only by its targets.
func isOf(l *lock.Lock, to ref.Folder) bool {
	if l.Selection != nil {
		return l.Selection.Registry == to.String()
	}
	return within(l, to)
}

// within tells whether everything in a lock is below a folder of a registry.
func within(l *lock.Lock, to ref.Folder) bool {
	outside := func(target ref.Reference) bool {
		return target.Host != to.Host || to.Path != "" && !strings.HasPrefix(target.Repository, to.Path+"/")
	}
	return !slices.ContainsFunc(l.Artifacts, func(a lock.Artifact) bool { return outside(a.Target) }) &&
		!slices.ContainsFunc(l.Attachments, func(a lock.Attachment) bool { return outside(a.Target) })
}

// Replace puts a new lock in the file's place, unless it says the same or somebody else has
// changed the file.
func (l *File) Replace(now *lock.Lock) error {
	if says, err := fingerprintOf(now); err != nil || l.there && says == l.held {
		return err
	}
	body, err := files.ReadRegular(l.Path, lock.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !l.there:
	case errors.Is(err, files.ErrTooLarge) && l.replace:
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("writing the lock: %w", err)
	case err != nil, !l.there, sha256.Sum256(body) != l.held:
		return &LockError{Path: l.Path, Err: ErrLockChanged}
	}
	if err := files.WriteBy(l.Path, 0o644, l.there, now.Write); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}

// fingerprint is what a lock, or a file, is known by.
type fingerprint [sha256.Size]byte

func fingerprintOf(l *lock.Lock) (fingerprint, error) {
	hash := sha256.New()
	err := l.Write(hash)
	return fingerprint(hash.Sum(nil)), err
}
