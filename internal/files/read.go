package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// Errors of files that are to be read; they stand in an *fs.PathError.
var (
	// ErrIrregular: it is a device, a socket or, where only a file will do, a pipe.
	ErrIrregular = errors.New("it is no regular file")
	// ErrFolder: it is a folder.
	ErrFolder error = syscall.EISDIR
	// ErrTooLarge: nothing of what it should be is as large.
	ErrTooLarge = errors.New("it is too large to be what it should be")
)

// ReadSmall reads all of a file of most bytes at most, or of a pipe, as shells make of <(...). A
// pipe may be silent for ever, even before it is open: once ctx ends nobody waits for it any more.
func ReadSmall(ctx context.Context, path string, most int64) ([]byte, error) {
	if err := check(path, true); err != nil {
		return nil, err
	}
	return heed.Call(ctx, func() ([]byte, error) { return read(path, most) })
}

// ReadRegular reads all of a regular file of most bytes at most: one that is read again and again,
// or that nobody has named.
func ReadRegular(path string, most int64) ([]byte, error) {
	if err := CheckRegular(path); err != nil {
		return nil, err
	}
	return read(path, most)
}

// CheckRegular refuses what is there and no regular file, a folder aside: opening a pipe may
// take for ever, and a device has no end.
func CheckRegular(path string) error { return check(path, false) }

// CheckReadable refuses what is there and neither a regular file, a folder nor a pipe.
func CheckReadable(path string) error { return check(path, true) }

// CheckFile refuses what CheckReadable does, and a folder.
func CheckFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "reading", Path: path, Err: ErrFolder}
	}
	return CheckReadable(path)
}

func check(path string, pipe bool) error {
	info, err := os.Stat(path)
	switch {
	case err != nil, info.Mode().IsRegular(), info.IsDir(): // opening it says what is wrong
		return nil //nolint:nilerr // see above
	case pipe && info.Mode()&fs.ModeNamedPipe != 0:
		return nil
	default:
		return &fs.PathError{Op: "reading", Path: path, Err: ErrIrregular}
	}
}

func read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var body []byte
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "reading", Path: path, Err: ErrFolder}
	} else if err == nil && info.Mode().IsRegular() && info.Size() <= most {
		body = make([]byte, 0, info.Size()+1) // it is there once, and not grown into
	}
	body, err = readInto(body, io.LimitReader(f, most+1))
	if err == nil && int64(len(body)) > most {
		err = &fs.PathError{Op: "reading", Path: path, Err: fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)}
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

// readInto is io.ReadAll with room that there is already.
func readInto(body []byte, r io.Reader) ([]byte, error) {
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
}

// OpenPipe opens a pipe for reading; once ctx ends nobody waits any more for somebody to write to
// it. The caller closes it.
func OpenPipe(ctx context.Context, path string) (*os.File, error) {
	return heed.Call(ctx, func() (*os.File, error) { return os.Open(path) })
}

// IsPipe tells whether path leads to a pipe.
func IsPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}
