package admission

import (
	"bytes"
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// read reads a small blob. Its place among those that are in memory is kept until done is called,
// which is never nil.
func (c *Checker) read(ctx context.Context, origin plan.Origin, blob v1.Descriptor) (text []byte, done func(), err error) {
	select {
	case c.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, func() {}, context.Cause(ctx)
	}
	text, err = readBlob(ctx, origin, blob)
	return text, func() { <-c.reading }, err
}

func readBlob(ctx context.Context, origin plan.Origin, blob v1.Descriptor) ([]byte, error) {
	content, err := origin.Source.Blob(ctx, origin.Repository, blob, 0, blob.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }()
	text, err := io.ReadAll(io.LimitReader(content, blob.Size))
	if err != nil {
		return nil, err
	}
	hasher, err := v1.Hasher(blob.Digest.Algorithm)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(hasher, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	if sum := fmt.Sprintf("%x", hasher.Sum(nil)); sum != blob.Digest.Hex {
		return nil, fmt.Errorf("%w: %s", registry.ErrDigestMismatch, blob.Digest)
	}
	return text, nil
}
