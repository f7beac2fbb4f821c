package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// VerifyOptions steer Verify. The zero value is ready.
type VerifyOptions struct {
	// Jobs is how many blobs are hashed at once; 0 means one for each processor.
	Jobs int
	// Meter receives progress; it may be nil.
	Meter *registry.Meter
}

// Verify holds every byte of the bundle's blobs against their digests. Its errors name
// the first blob of each kind of damage; errors.Is tells registry.ErrDigestMismatch.
func (b *Bundle) Verify(ctx context.Context, opts VerifyOptions) error {
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	if opts.Meter == nil {
		opts.Meter = new(registry.Meter)
	}
	blobs := b.present()
	for _, d := range blobs {
		opts.Meter.BytesTotal.Add(d.Size)
	}
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(opts.Jobs)
	for _, d := range blobs {
		if running.Err() != nil {
			break
		}
		g.Go(func() error {
			if err := b.verifyBlob(running, d, opts.Meter); err != nil {
				return fmt.Errorf("%s: blob %s: %w", b.name, d.Digest, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// present are the blobs that are in the bundle, largest first, which is the order of a
// bundle's file. Manifests were held against their digests when it was opened.
func (b *Bundle) present() []v1.Descriptor {
	var all []v1.Descriptor
	for digest, size := range b.sizes {
		if _, ok := b.archive.Blobs[digest]; ok {
			all = append(all, v1.Descriptor{Digest: digest, Size: size})
		}
	}
	slices.SortFunc(all, func(x, y v1.Descriptor) int {
		return cmp.Or(cmp.Compare(y.Size, x.Size), cmp.Compare(x.Digest.Hex, y.Digest.Hex))
	})
	return all
}

func (b *Bundle) verifyBlob(ctx context.Context, d v1.Descriptor, meter *registry.Meter) error {
	h, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return err
	}
	r, err := b.Blob(ctx, "", d, 0, d.Size)
	if err != nil {
		return err
	}
	defer r.Close()
	buffer := files.Buffer()
	defer files.Release(buffer)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := r.Read(*buffer)
		h.Write((*buffer)[:n])
		meter.BytesDone.Add(int64(n))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := fmt.Sprintf("%s:%x", d.Digest.Algorithm, h.Sum(nil)); got != d.Digest.String() {
		return fmt.Errorf("%w: the content has %s", registry.ErrDigestMismatch, got)
	}
	return nil
}

// Size is the bytes of all blobs and manifests in the bundle.
func (b *Bundle) Size() int64 {
	n := b.walk.Bytes.Load()
	for _, d := range b.present() {
		n += d.Size
	}
	return n
}

// SizeOf is the bytes of the distinct blobs below a manifest, whether they are in the
// bundle or left out of it.
func (b *Bundle) SizeOf(digest v1.Hash) int64 {
	var n int64
	seen := make(map[v1.Hash]bool)
	var visit func(v1.Hash)
	visit = func(digest v1.Hash) {
		m, ok := b.manifests[digest]
		if !ok || seen[digest] {
			return
		}
		seen[digest] = true
		for _, d := range m.blobs() {
			if !seen[d.Digest] {
				seen[d.Digest] = true
				n += d.Size
			}
		}
		for _, child := range m.links.Manifests {
			visit(child.Digest)
		}
	}
	visit(digest)
	return n
}
