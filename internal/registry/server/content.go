package server

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Content is what is served. It is safe for concurrent use. What does not exist is reported
// by an error for which errors.Is(err, registry.ErrNotFound) holds.
type Content interface {
	// Manifest reads what reference, a tag or a digest, stands for.
	Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error)
	// Stat tells how large a blob is.
	Stat(ctx context.Context, repository string, digest v1.Hash) (v1.Descriptor, error)
	// Blob opens bytes of a blob, as Stat described it; the rules are those of registry.Source.
	Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error)
	// Tags lists the tags of a repository, which may have none.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Referrers lists the manifests whose subject is digest; none where the repository is
	// unknown.
	Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error)
	// Repositories lists all names, sorted.
	Repositories() []string
}

// Writable is content that is pushed to as well.
type Writable interface {
	Content
	// Mount gives a repository the blob of another; where from is empty, of any. It reports
	// false, and no error, where there is no such blob.
	Mount(ctx context.Context, repository string, digest v1.Hash, from string) (bool, error)
	// Receive makes room for a blob that is yet to arrive.
	Receive(ctx context.Context) (Incoming, error)
	// PutManifest keeps a manifest, with what it names, under its digest and under reference,
	// which may be that digest or a tag. A *MissingError says what its repository lacks of it.
	PutManifest(ctx context.Context, repository, reference string, manifest oci.Manifest, links *oci.Links) error
}

// Incoming is a blob that is arriving. One request at a time uses it.
type Incoming interface {
	io.Writer
	// Size is how many bytes have been written.
	Size() int64
	// Keep gives the repository what was written as a blob, and ends the use of the Incoming.
	// Where that has another digest it keeps nothing and returns registry.ErrDigestMismatch.
	Keep(ctx context.Context, repository string, digest v1.Hash) error
	// Discard frees the room. After Keep, or a second time, it does nothing.
	Discard()
}

// MissingError says that a manifest refers to something that its repository lacks.
type MissingError struct {
	Digest v1.Hash
}

// Error names what is missing.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not in this repository", e.Digest)
}
