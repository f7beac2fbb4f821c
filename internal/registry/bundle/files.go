package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// file is one file of a bundle, wherever it is kept.
type file interface {
	Size() int64
	// Open reads from offset to the end.
	Open(offset int64) (io.ReadCloser, error)
}

// archive is what a container format comes to: small files by name, blobs by digest.
type archive struct {
	files map[string]file
	blobs map[v1.Hash]file
	// stray is the first file that no format asks for, if there is one.
	stray string
	close func() error
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

// readSmall reads a file that has no business to be larger than limit.
func readSmall(f file, limit int64) ([]byte, error) {
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

func newArchive() *archive {
	return &archive{files: make(map[string]file), blobs: make(map[v1.Hash]file)}
}

// add puts a file where it belongs by its name.
func (a *archive) add(name string, f file) {
	switch name {
	case layoutName, indexName, dockerName, lockName, signatureName:
		a.files[name] = f
		return
	}
	if digest, ok := digestOf(name); ok {
		a.blobs[digest] = f
		return
	}
	if a.stray == "" {
		a.stray = name
	}
}
