package archive

import (
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// File is one file of an archive, wherever it is kept. It is safe for concurrent use.
type File interface {
	// Size is in bytes.
	Size() int64
	// Open reads from offset to the end.
	Open(offset int64) (io.ReadCloser, error)
}

// Archive is what a container format comes to: an OCI image layout, with blobs by digest and
// all other files by name. What it says of them has not been held against anything.
type Archive struct {
	Files map[string]File
	Blobs map[v1.Hash]File

	close func() error
}

// Close closes what the files are read from.
func (a *Archive) Close() error {
	if a.close == nil {
		return nil
	}
	return a.close()
}

// section is a file inside of another.
type section struct {
	at           io.ReaderAt
	offset, size int64
}

func (s section) Size() int64 { return s.size }

func (s section) Open(offset int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(s.at, s.offset+offset, s.size-offset)), nil
}

// ReadAt makes a section a container of its own.
func (s section) ReadAt(p []byte, offset int64) (int, error) {
	return io.NewSectionReader(s.at, s.offset, s.size).ReadAt(p, offset)
}

// inFolder is a file of a directory. The root holds it inside, links or not.
type inFolder struct {
	root *os.Root
	name string
	size int64
}

func (f inFolder) Size() int64 { return f.size }

func (f inFolder) Open(offset int64) (io.ReadCloser, error) {
	r, err := f.root.Open(f.name)
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// inMemory is a small file that exists nowhere else.
type inMemory []byte

func (m inMemory) Size() int64 { return int64(len(m)) }

func (m inMemory) Open(offset int64) (io.ReadCloser, error) {
	return section{at: bytesAt(m), size: int64(len(m))}.Open(offset)
}

type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// ReadSmall reads a file that has no business to be larger than limit, in bytes.
func ReadSmall(f File, limit int64) ([]byte, error) {
	if f.Size() > limit {
		return nil, fmt.Errorf("%d bytes are too many, %d are the most", f.Size(), limit)
	}
	r, err := f.Open(0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body := make([]byte, f.Size())
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return body, nil
}

func newArchive() *Archive {
	return &Archive{Files: make(map[string]File), Blobs: make(map[v1.Hash]File)}
}

// add puts a file where it belongs by its name.
func (a *Archive) add(name string, f File) {
	if digest, ok := imagelayout.DigestOf(name); ok {
		a.Blobs[digest] = f
		return
	}
	a.Files[name] = f
}
