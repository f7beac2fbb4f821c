package registry

import (
	"bytes"
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Manifest is a manifest exactly as a registry gave it: its bytes are pushed as they
// are and never serialised again, for otherwise its digest would change.
type Manifest struct {
	Descriptor v1.Descriptor
	Body       []byte
}

// Source is where OCI content is read from: the vendor's registry, the private one, or
// a bundle. Repositories are paths without a host. Implementations are safe for
// concurrent use, bound their own parallelism, and retry what can be retried. What does
// not exist is reported by an error for which errors.Is(err, ErrNotFound) holds.
type Source interface {
	// Resolve tells what reference, a tag or a digest, stands for. It is one request.
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
	// Manifest fetches what reference, a tag or a digest, stands for; the body has been
	// checked against the digest.
	Manifest(ctx context.Context, repository, reference string) (Manifest, error)
	// Blob opens a blob at offset. The reader survives broken connections where the
	// other side allows it, and ends with an error, never early, when bytes are missing.
	// Its content is not checked against the digest: see Body. The caller closes it.
	Blob(ctx context.Context, repository string, blob v1.Descriptor, offset int64) (io.ReadCloser, error)
	// Tags lists the tags of a repository; ErrNotFound where the repository is unknown.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Referrers lists the manifests whose subject is digest, by the referrers API and by
	// its fallback tag; none is an empty list and no error.
	Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error)
}

// Outcome says how a blob came to be in a repository.
type Outcome int

// The ways in which a blob comes to be in a repository.
const (
	// Uploaded: its bytes were sent.
	Uploaded Outcome = iota
	// Mounted: the registry linked it from another of its repositories.
	Mounted
	// Existed: it was there before.
	Existed
)

// Target is where OCI content is written to. The rules of Source hold for it too.
type Target interface {
	// Resolve is as for a Source.
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
	// HasBlob tells whether the repository holds a blob.
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
	// MountBlob links a blob from another repository of the same target. It reports
	// false, and no error, where the target does not do that.
	MountBlob(ctx context.Context, repository string, blob v1.Descriptor, from string) (bool, error)
	// PushBlob uploads a blob and returns once the target has confirmed it.
	PushBlob(ctx context.Context, repository string, blob v1.Descriptor, body Body) (Outcome, error)
	// PushManifest puts a manifest under reference, a tag or its digest.
	PushManifest(ctx context.Context, repository, reference string, manifest Manifest) error
}

// Body is the content of one blob, to be sent perhaps more than once: an upload that
// breaks goes on from wherever the target says it stands.
type Body interface {
	// From returns the content from offset to its end and ends the use of every reader
	// returned before; until the first Read it holds no place at the source. The last Read
	// fails where the content does not match the blob's digest, so that a consumer that
	// reads to EOF has checked it.
	From(offset int64) (io.Reader, error)
}

// NewManifest is a manifest of our own making; its descriptor follows from its bytes.
func NewManifest(mediaType types.MediaType, body []byte) (Manifest, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(body))
	return Manifest{Descriptor: v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, Body: body}, err
}

// ErrSuperseded is what a Body's reader returns once From has been called again.
var ErrSuperseded = errors.New("the body is being read from another place")
