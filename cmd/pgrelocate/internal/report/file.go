package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// ErrNotOurs: a file is there that holds something else, and is not replaced.
var ErrNotOurs = errors.New("it holds something else, and is not replaced: name another file, or remove it")

func notOurs(path string) error { return &fs.PathError{Op: "writing", Path: path, Err: ErrNotOurs} }

// longestReport is more than any report of ours has.
const longestReport = 64 << 20

// claim tells whether a report may be put at path: nothing is there, or a report of the same kind.
// An empty path is none.
func claim(kind, path string, ours func([]byte) bool) error {
	if path == "" {
		return nil
	}
	err := files.CheckWritable(path, true)
	if err == nil {
		_, err = previous(path, ours)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// previous is the report that is at path; empty where there is none.
func previous(path string, ours func([]byte) bool) ([]byte, error) {
	body, err := files.ReadRegular(path, longestReport)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case len(body) > 0 && !ours(body):
		return nil, notOurs(path)
	}
	return body, nil
}

// write puts a report at path, whole or not at all; an empty path is none.
func write(kind, path string, ours func([]byte) bool, render func() ([]byte, error)) error {
	if path == "" {
		return nil
	}
	body, err := render()
	if err == nil {
		_, err = previous(path, ours) // somebody may have come first meanwhile
	}
	if err == nil {
		err = files.Write(path, body, 0o644, true)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// appendTo adds to a file with one write.
func appendTo(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Close())
}
