package locking

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ReadPlan reads a plan for a registry. Errors are *Error where the file is something else.
func ReadPlan(ctx context.Context, path string, to ref.Folder) (*lock.Lock, error) {
	body, err := files.ReadSmall(ctx, path, lock.MaxSize)
	if err != nil {
		return nil, exit.Misnamed(err)
	}
	var planned *lock.Lock
	if body, err = unpacked(body); err == nil {
		planned, err = lock.Parse(body)
	}
	var wrong *lock.NotALockError
	switch {
	case errors.As(err, &wrong):
		err = fmt.Errorf("%w: %w", ErrNoPlan, wrong.Err)
	case errors.Is(err, lock.ErrOtherVersion):
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrNoPlan, err)
	case !planned.Planned:
		err = fmt.Errorf("%w: it is the lock of what is there", ErrNoPlan)
	case planned.Selection == nil:
		err = fmt.Errorf("%w: it does not say what was selected", ErrNoPlan)
	case !isOf(planned, to) || !within(planned, to):
		err = fmt.Errorf("%w: %s", ErrOtherPlan, planned.Selection.Registry)
	default:
		return planned, nil
	}
	return nil, &exit.UsageError{Err: &LockError{Path: path, Err: err}}
}

// unpacked is a plan as it was written: a job's ConfigMap holds it packed by gzip.
func unpacked(body []byte) ([]byte, error) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, lock.MaxSize+1))
}
