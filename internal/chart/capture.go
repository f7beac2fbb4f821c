package chart

import (
	"bytes"
	"context"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Capture keeps packed charts as they pass by on their way to somewhere else, so that who wants
// to look at them need not fetch them again. The zero value wants none; it is safe for
// concurrent use.
type Capture struct {
	mu   sync.Mutex
	kept map[v1.Hash][]byte // nil for what is wanted and has not passed by
}

// Want has the blob kept.
func (c *Capture) Want(blob v1.Descriptor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[v1.Hash][]byte{}
	}
	if blob.Size <= MaxArchive {
		c.kept[blob.Digest] = nil
	}
}

// Captured is the blob, checked against its digest; nil where it has not passed by whole.
func (c *Capture) Captured(blob v1.Descriptor) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept[blob.Digest]
}

// Source is a source of which the capture sees every blob.
func (c *Capture) Source(source registry.Source) registry.Source { return watched{source, c} }

// watched is a source whose blobs are looked at as they are read.
type watched struct {
	registry.Source
	capture *Capture
}

// Blob opens a blob, and keeps it if it is wanted and read from its beginning to its end.
func (w watched) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	content, err := w.Source.Blob(ctx, repository, blob, from, to)
	if err != nil || from != 0 || to != blob.Size || !w.capture.wants(blob) {
		return content, err
	}
	content.ReadCloser = &passing{ReadCloser: content.ReadCloser, blob: blob, capture: w.capture}
	return content, nil
}

func (c *Capture) wants(blob v1.Descriptor) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, wanted := c.kept[blob.Digest]
	return wanted && kept == nil
}

// passing is a blob that is being read, by one goroutine at a time.
type passing struct {
	io.ReadCloser
	blob    v1.Descriptor
	seen    bytes.Buffer
	capture *Capture
}

// Read reads, and hands the blob over once all of it has been read.
func (p *passing) Read(into []byte) (int, error) {
	n, err := p.ReadCloser.Read(into)
	if n > 0 && int64(p.seen.Len()+n) <= p.blob.Size {
		p.seen.Write(into[:n])
		if int64(p.seen.Len()) == p.blob.Size {
			p.capture.keep(p.blob, p.seen.Bytes())
		}
	}
	return n, err
}

func (c *Capture) keep(blob v1.Descriptor, content []byte) {
	digest, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil || digest != blob.Digest {
		return // whoever reads it will find that too
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[blob.Digest] = content
}
