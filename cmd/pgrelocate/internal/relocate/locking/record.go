package locking

import (
	"cmp"
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// OpenRecord opens what says what was put into the registry of the settings: their lock, a receipt, or
// a bundle that was loaded there, which is read alone, so that File.Path is empty. The caller closes it.
func OpenRecord(ctx context.Context, s *relocate.Session, mode Mode) (*File, error) {
	path := cmp.Or(s.Config.Lock, config.LocalLock)
	if lone, err := bundle.IsLock(path); err == nil && !lone {
		was, err := ReadRecord(ctx, path, s.Config.Registry)
		return &File{Was: was}, err
	}
	file, err := open(ctx, s, path, mode, false)
	var wrong *LockError
	switch {
	case errors.As(err, &wrong):
		wrong.NotOurs = false // nobody wants to replace it
		return nil, &exit.UsageError{Err: wrong}
	case err != nil:
		return nil, exit.Misnamed(err)
	case file.Was == nil:
		file.Close()
		return nil, &exit.UsageError{Err: &LockError{Path: path, Err: ErrNoLock}}
	case !within(file.Was, s.Config.Registry):
		file.Close()
		return nil, &exit.UsageError{Err: &LockError{Path: path, Err: ErrElsewhere}}
	}
	return file, nil
}

// ReadRecord reads a lock, a receipt, or the lock of a bundle, for a registry.
func ReadRecord(ctx context.Context, path string, to ref.Folder) (*lock.Lock, error) {
	was, err := bundle.ReadLock(ctx, path)
	if err != nil {
		return nil, exit.Misread(err)
	}
	switch {
	case isPortable(was):
	case !isOf(was, to):
		return nil, &exit.UsageError{Err: &LockError{Path: path, Err: notOf(was)}}
	case !within(was, to):
		return nil, &exit.UsageError{Err: &LockError{Path: path, Err: ErrElsewhere}}
	}
	return was, nil
}

// isPortable tells the lock of a bundle, which is of no registry yet.
func isPortable(l *lock.Lock) bool {
	for _, a := range l.Artifacts {
		if a.Target.Host != "" {
			return false
		}
	}
	for _, a := range l.Attachments {
		if a.Target.Host != "" {
			return false
		}
	}
	return l.Selection == nil
}
