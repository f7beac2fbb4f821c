package chart

import (
	"bytes"
	"context"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Keeper keeps packed charts as they pass by on their way to somewhere else, so that who wants
// to look at them need not fetch them again. The zero value wants none; it is safe for
// concurrent use.
type Keeper struct {
	mu   sync.Mutex
	kept map[v1.Hash][]byte // nil for what is wanted and has not passed by
}

// Want has the blob kept.
func (k *Keeper) Want(blob v1.Descriptor) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = map[v1.Hash][]byte{}
	}
	if blob.Size <= MaxArchive {
		k.kept[blob.Digest] = nil
	}
}

// Kept is the blob, checked against its digest; nil where it has not passed by whole.
func (k *Keeper) Kept(blob v1.Descriptor) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[blob.Digest]
}

// Source is a source of which the keeper sees every blob.
func (k *Keeper) Source(source registry.Source) registry.Source { return watched{source, k} }

// watched is a source whose blobs are looked at as they are read.
type watched struct {
	registry.Source
	keeper *Keeper
}

// Blob opens a blob, and keeps it if it is wanted and read from its beginning to its end.
func (w watched) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	content, err := w.Source.Blob(ctx, repository, blob, from, to)
	if err != nil || from != 0 || to != blob.Size || !w.keeper.wants(blob) {
		return content, err
	}
	content.ReadCloser = &passing{ReadCloser: content.ReadCloser, blob: blob, keeper: w.keeper}
	return content, nil
}

func (k *Keeper) wants(blob v1.Descriptor) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept, wanted := k.kept[blob.Digest]
	return wanted && kept == nil
}

// passing is a blob that is being read, by one goroutine at a time.
type passing struct {
	io.ReadCloser
	blob   v1.Descriptor
	seen   bytes.Buffer
	keeper *Keeper
}

// Read reads, and hands the blob over once all of it has been read.
func (p *passing) Read(into []byte) (int, error) {
	n, err := p.ReadCloser.Read(into)
	if n > 0 && int64(p.seen.Len()+n) <= p.blob.Size {
		p.seen.Write(into[:n])
		if int64(p.seen.Len()) == p.blob.Size {
			p.keeper.keep(p.blob, p.seen.Bytes())
		}
	}
	return n, err
}

func (k *Keeper) keep(blob v1.Descriptor, content []byte) {
	digest, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil || digest != blob.Digest {
		return // whoever reads it will find that too
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[blob.Digest] = content
}
