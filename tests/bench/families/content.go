package families

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"hash/fnv"
	"io"
	"math/rand/v2"
)

// layerContent is a layer of about size bytes as registries hold it: a gzipped tar with
// one file of noise. It is stored and not compressed, which costs little to make and is
// as large as what it holds; a tool that looks into layers finds nothing amiss. The same
// name gives the same bytes.
func layerContent(name string, size int64) io.ReadCloser {
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(writeLayer(w, name, size)) }()
	return r
}

func writeLayer(w io.Writer, name string, size int64) error {
	zip, err := gzip.NewWriterLevel(w, gzip.NoCompression)
	if err != nil {
		return err
	}
	if err := writeTar(zip, name, size); err != nil {
		return err
	}
	return zip.Close()
}

// writeTar writes the layer's uncompressed form.
func writeTar(w io.Writer, name string, size int64) error {
	archive := tar.NewWriter(w)
	header := &tar.Header{Name: "content/noise", Mode: 0o644, Size: size, Format: tar.FormatUSTAR}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.CopyN(archive, noise(name), size); err != nil {
		return err
	}
	return archive.Close()
}

// noise is an endless stream that its name determines.
func noise(name string) io.Reader {
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, name)
	var seed [32]byte
	copy(seed[:], bytes.Repeat(hash.Sum(nil), 4))
	return rand.NewChaCha8(seed)
}
