package standin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is when everything was made: a real time would change the digests.
var epoch = time.Unix(0, 0).UTC()

// file is what a layer holds: one file, whose content is made anew each time it is read,
// so that a large layer needs no memory.
type file struct {
	name string
	mode int64
	size int64
	open func() (io.ReadCloser, error)
}

// layer packs a file. It is stored without compression, since its content would not
// compress and other versions of a compressor would give other digests.
func (f file) layer() (v1.Layer, error) {
	return tarball.LayerFromOpener(f.tar,
		tarball.WithCompressionLevel(gzip.NoCompression), tarball.WithMediaType(types.OCILayer))
}

// tar streams the archive of the one file.
func (f file) tar() (io.ReadCloser, error) {
	var header bytes.Buffer
	err := tar.NewWriter(&header).WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: f.size, ModTime: epoch, Format: tar.FormatPAX,
	})
	if err != nil {
		return nil, err
	}
	content, err := f.open()
	if err != nil {
		return nil, err
	}
	const block = 512
	padding := (block-f.size%block)%block + 2*block
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&header, io.LimitReader(content, f.size), bytes.NewReader(make([]byte, padding))), content}, nil
}

// noise is a file of bytes that look random and follow from its name.
func noise(name string, size int64) file {
	seed := sha256.Sum256([]byte(name))
	return file{
		name: "usr/share/standin/" + fmt.Sprintf("%x", seed[:8]),
		mode: 0o644,
		size: size,
		open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(rand.NewChaCha8(seed), size)), nil
		},
	}
}

// text is a small file.
func text(name, content string) file {
	return file{name: name, mode: 0o644, size: int64(len(content)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte(content))), nil
	}}
}

// executable is a file of this machine under another name.
func executable(path, name string) (file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return file{}, err
	}
	if !info.Mode().IsRegular() {
		return file{}, fmt.Errorf("%s is no file", path)
	}
	return file{name: name, mode: 0o755, size: info.Size(), open: func() (io.ReadCloser, error) {
		return os.Open(path)
	}}, nil
}
