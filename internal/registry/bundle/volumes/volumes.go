// Package volumes keeps one run of bytes in one file, or in several of equal size: FILE.001,
// FILE.002 and so on.
package volumes

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Set is one run of bytes kept in one file or in several of equal size. It is safe for
// concurrent use, Close excepted.
type Set struct {
	files []*os.File
	// each is how many bytes a file holds; the last may hold fewer.
	each int64
	size int64
}

// Names are the names of the files for size bytes: path itself, or path.001 and so
// on where each is not 0. The numbers sort as text, so that "cat path.*" joins them.
func Names(path string, size, each int64) []string {
	if each == 0 {
		return []string{path}
	}
	n := max(1, (size+each-1)/each)
	width := max(3, len(fmt.Sprint(n)))
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s.%0*d", path, width, i+1)
	}
	return names
}

// Open opens the files, which are called so and hold size bytes together, or creates them:
// flag is as for os.OpenFile. Where each is 0 there is one file. The caller closes the set.
func Open(names []string, size, each int64, flag int) (*Set, error) {
	if each == 0 {
		each = max(size, 1)
	}
	v := &Set{each: each, size: size}
	for _, name := range names {
		f, err := os.OpenFile(name, flag, 0o644)
		if err != nil {
			return nil, errors.Join(err, v.Close())
		}
		v.files = append(v.files, f)
	}
	return v, nil
}

// Of is a set of one open file, which it closes.
func Of(f *os.File, size int64) *Set {
	return &Set{files: []*os.File{f}, each: max(1, size), size: size}
}

// Size is how many bytes there are in all files together.
func (v *Set) Size() int64 { return v.size }

// Files are the open files in their order.
func (v *Set) Files() []*os.File { return v.files }

// Border is the end of the file that holds the byte at pos.
func (v *Set) Border(pos int64) int64 {
	return min(v.size, (pos/v.each+1)*v.each)
}

// Truncate gives every file its size.
func (v *Set) Truncate() error {
	for i, f := range v.files {
		if err := f.Truncate(min(v.each, v.size-int64(i)*v.each)); err != nil {
			return err
		}
	}
	return nil
}

// Sync makes every file durable.
func (v *Set) Sync() error {
	for _, f := range v.files {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// Close closes every file.
func (v *Set) Close() error {
	var errs []error
	for _, f := range v.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// ReadAt reads across the files' borders.
func (v *Set) ReadAt(p []byte, offset int64) (int, error) {
	n, err := v.across(p, offset, (*os.File).ReadAt)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes across the files' borders.
func (v *Set) WriteAt(p []byte, offset int64) (int, error) {
	n, err := v.across(p, offset, (*os.File).WriteAt)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

func (v *Set) across(p []byte, offset int64, do func(*os.File, []byte, int64) (int, error)) (int, error) {
	done := 0
	for done < len(p) && offset < v.size {
		i := offset / v.each
		if i >= int64(len(v.files)) {
			return done, nil
		}
		at := offset - i*v.each
		piece := p[done:min(len(p), done+int(min(v.each-at, v.size-offset)))]
		n, err := do(v.files[i], piece, at)
		done += n
		offset += int64(n)
		if err != nil && n < len(piece) {
			return done, err
		}
	}
	return done, nil
}
