package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

var _ registry.Source = (*Bundle)(nil)

// Lock is what the bundle holds, by digest. It belongs to the bundle: do not change it.
func (b *Bundle) Lock() *lock.Lock { return b.lock }

// Signed tells whether there is a signature. Only a public key at Open checks it.
func (b *Bundle) Signed() bool { return b.signed }

// Close closes the bundle's files.
func (b *Bundle) Close() error { return b.archive.Close() }

// Repositories are the names under which the bundle's content can be asked for.
func (b *Bundle) Repositories() []string {
	return slices.Sorted(maps.Keys(b.tags))
}

// Resolve tells what reference, a tag or a digest, stands for.
func (b *Bundle) Resolve(_ context.Context, repository, reference string) (v1.Descriptor, error) {
	homes := b.homes(repository)
	if len(homes) == 0 {
		return v1.Descriptor{}, b.notFound(repository, reference)
	}
	if digest, err := v1.NewHash(reference); err == nil {
		if m, ok := b.manifests[digest]; ok {
			return m.descriptor, nil
		}
		return v1.Descriptor{}, b.notFound(repository, reference)
	}
	for _, home := range homes {
		if d, ok := b.tags[home][reference]; ok {
			return b.manifests[d.Digest].descriptor, nil
		}
	}
	return v1.Descriptor{}, b.notFound(repository, reference)
}

// homes are the target's repositories that a name stands for.
func (b *Bundle) homes(repository string) []string {
	if _, ok := b.tags[repository]; ok {
		return append([]string{repository}, b.aliases[repository]...)
	}
	return b.aliases[repository]
}

// Manifest reads what reference, a tag or a digest, stands for.
func (b *Bundle) Manifest(ctx context.Context, repository, reference string, _ ...types.MediaType) (oci.Manifest, error) {
	d, err := b.Resolve(ctx, repository, reference)
	if err != nil {
		return oci.Manifest{}, err
	}
	m, err := b.load(d)
	if err != nil {
		return oci.Manifest{}, b.fail("reading manifest", repository, reference, err)
	}
	return m, nil
}

// Stat tells how large a blob is.
func (b *Bundle) Stat(_ context.Context, repository string, digest v1.Hash) (v1.Descriptor, error) {
	if _, ok := b.archive.Blobs[digest]; !ok || len(b.homes(repository)) == 0 {
		return v1.Descriptor{}, b.notFound(repository, digest.String())
	}
	if m, ok := b.manifests[digest]; ok {
		return m.descriptor, nil
	}
	size, ok := b.sizes[digest]
	if !ok {
		return v1.Descriptor{}, b.notFound(repository, digest.String())
	}
	return v1.Descriptor{Digest: digest, Size: size}, nil
}

// Prepare implements registry.Source: there is nothing to prepare.
func (b *Bundle) Prepare([]string) {}

// Troubled implements registry.Source: nothing is tried again.
func (b *Bundle) Troubled() bool { return false }

// InPieces implements registry.Source: a file is read fastest from its start to its end.
func (b *Bundle) InPieces() bool { return false }

// Blob opens the bytes of a blob from from up to to. That of a delta which the other side has
// is not found.
func (b *Bundle) Blob(_ context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	f, ok := b.archive.Blobs[blob.Digest]
	if !ok {
		return registry.Content{}, b.notFound(repository, blob.Digest.String())
	}
	if from < 0 || from > to || to > f.Size() {
		return registry.Content{}, b.fail("reading blob", repository, blob.Digest.String(), fmt.Errorf("bytes %d to %d of %d", from, to, f.Size()))
	}
	r, err := f.Open(from)
	if err != nil {
		return registry.Content{}, b.fail("reading blob", repository, blob.Digest.String(), err)
	}
	return registry.Content{ReadCloser: &exactly{ReadCloser: r, left: to - from}}, nil
}

// exactly gives so many bytes, and fails where a file ends before that.
type exactly struct {
	io.ReadCloser
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Tags lists the tags of a repository.
func (b *Bundle) Tags(_ context.Context, repository string) ([]string, error) {
	homes := b.homes(repository)
	if len(homes) == 0 {
		return nil, b.notFound(repository, "")
	}
	var tags []string
	for _, home := range homes {
		tags = slices.AppendSeq(tags, maps.Keys(b.tags[home]))
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// Referrers lists the manifests whose subject is digest.
func (b *Bundle) Referrers(_ context.Context, _ string, digest v1.Hash) ([]v1.Descriptor, error) {
	return slices.Clone(b.referrers[digest]), nil
}

func (b *Bundle) notFound(repository, reference string) error {
	return b.fail("looking up", repository, reference, registry.ErrNotFound)
}

func (b *Bundle) fail(op, repository, reference string, err error) error {
	ref := b.name + ": " + repository
	if reference != "" {
		ref += " " + reference
	}
	return &registry.Error{Op: op, Side: registry.SideSource, Ref: ref, Err: err}
}
