package bundletest

import (
	"errors"
	"io"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Body is the bytes of a manifest.
func (w *World) Body(digest v1.Hash) []byte {
	for _, m := range w.Content.Manifests {
		if m.Descriptor.Digest == digest {
			return m.Body
		}
	}
	return nil
}

// ErrCut is how a download ends that CutAfter cuts.
var ErrCut = errors.New("the line was cut")

// CutAfter cuts all downloads once so many bytes have come in all.
func (w *World) CutAfter(n int64) {
	var left atomic.Int64
	left.Store(n)
	w.Spoil = func(_ v1.Descriptor, _ int64, body io.Reader) io.Reader { return &cutReader{body, &left} }
}

type cutReader struct {
	io.Reader
	left *atomic.Int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left.Load() <= 0 {
		return 0, ErrCut
	}
	n, err := c.Reader.Read(p[:min(len(p), 64<<10)])
	c.left.Add(-int64(n))
	return n, err
}
