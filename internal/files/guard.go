package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// errHeld: another process, or another part of this one, has the lock.
var errHeld = errors.New("somebody else has it")

// guardPause is how long Guard waits before it looks again.
const guardPause = 100 * time.Millisecond

// Guard makes sure that one run at a time reads a file and writes it anew, and waits until that is
// this one, or until ctx ends; waiting is called once where it has to wait, and may be nil. Others
// see a hidden neighbour of the file meanwhile, for the file itself may not be there, or be
// replaced. The returned function lets others in.
//
// Who does not ask is not kept out, nor is another machine where the file system knows no locks.
func Guard(ctx context.Context, path string, waiting func()) (release func(), err error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".guard")
	for {
		guard, err := takeGuard(name)
		if err == nil {
			return func() { dropGuard(guard) }, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNoFolder}
		}
		if !errors.Is(err, errHeld) {
			return nil, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(guardPause):
		}
	}
}

// takeGuard takes the guard or fails with errHeld.
func takeGuard(name string) (*os.File, error) {
	guard, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|NoFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(guard); err != nil {
		return nil, errors.Join(err, guard.Close())
	}
	own, err := guard.Stat()
	there, lookErr := os.Lstat(name)
	switch {
	case err != nil:
		return nil, errors.Join(err, guard.Close())
	case lookErr != nil || !os.SameFile(own, there):
		// Whoever had it has removed it meanwhile.
		return nil, errors.Join(errHeld, guard.Close())
	case !own.Mode().IsRegular():
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, ErrIrregular), guard.Close())
	}
	return guard, nil
}

// dropGuard removes the guard while it is held, where the system lets an open file go.
func dropGuard(guard *os.File) {
	if runtime.GOOS == "windows" {
		_ = guard.Close()
		_ = os.Remove(guard.Name()) // another run may have it open by now, and removes it then
		return
	}
	_ = os.Remove(guard.Name())
	_ = guard.Close()
}
