package registry

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Source is where OCI content is read from: the vendor's registry, the private one, or
// a bundle. Repositories are paths without a host. Implementations are safe for
// concurrent use, bound their own parallelism, and retry what can be retried. What does
// not exist is reported by an error for which errors.Is(err, ErrNotFound) holds.
type Source interface {
	// Prepare announces the repositories that a run will use, so that one token can serve them
	// all. Nothing depends on it.
	Prepare(repositories []string)
	// Resolve tells what reference, a tag or a digest, stands for. It is one request.
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
	// Manifest fetches what reference, a tag or a digest, stands for; the body has been
	// checked against the digest. It fails with ErrUnknownType where that is neither an image
	// nor an index, nor of one of the types that will also do.
	Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error)
	// Blob opens the bytes of a blob from from up to, but not including, to. The reader
	// survives broken connections where the other side allows it, and ends with an error,
	// never early, when bytes are missing. What it gives is not checked against the digest:
	// see Body. The caller closes it.
	Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (Content, error)
	// Tags lists the tags of a repository; ErrNotFound where the repository is unknown.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Referrers lists the manifests whose subject is digest, by the referrers API and by
	// its fallback tag; none is an empty list and no error.
	Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error)
	// Troubled tells whether anything has had to be tried again so far.
	Troubled() bool
	// InPieces tells whether a large blob arrives sooner when several parts of it are read at
	// once: so it is where each connection has a bandwidth of its own, and not in a file.
	InPieces() bool
}

// Content is a blob that is being read, or a part of it. The zero value is nothing.
type Content struct {
	io.ReadCloser
	// Permit is the reader's place among those who read from the source at once.
	Permit Permit
	// Whole says that the content is the whole blob although only its head was asked for: the
	// source serves no ranges. It is never set where the content does not begin at byte 0.
	Whole bool
	// Skipped says that what is before the content's first byte was read as well, and thrown
	// away: the source serves no ranges.
	Skipped bool
}

// Permit is a place among those who may read from one source at once. It goes with the
// content that it is for, through whatever wraps its reader. The zero value holds none.
type Permit struct {
	// Release gives the place back; the content's next Read waits for another. It is nil where
	// the source gives out no places.
	Release func()
}

// End gives the place back until the next Read. Who waits for something else without that may
// wait for ever, for somebody who waits for this very place.
func (p Permit) End() {
	if p.Release != nil {
		p.Release()
	}
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

// Target is where OCI content is written to, and can be read from again. The rules of
// Source hold for it too.
type Target interface {
	Source
	// HasBlob tells whether the repository holds a blob.
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
	// MountBlob links a blob from another repository of the same target. It reports
	// false, and no error, where the target does not do that.
	MountBlob(ctx context.Context, repository string, blob v1.Descriptor, from string) (bool, error)
	// PushBlob uploads a blob and returns once the target has confirmed it. With anew it does so
	// though the target says that it is there: what it says has turned out to be wrong.
	PushBlob(ctx context.Context, repository string, blob v1.Descriptor, body Body, anew bool) (Outcome, error)
	// PushManifest puts a manifest under reference, a tag or its digest. Where the manifest has
	// a subject, listed tells whether the target lists it there by itself; otherwise
	// ListReferrers has to be called.
	PushManifest(ctx context.Context, repository, reference string, manifest oci.Manifest) (listed bool, err error)
	// ListReferrers makes known which manifests refer to subject, at a target that has not
	// found that out by itself. Those that are listed there stay. It is called once for all of
	// a subject's, for a target may let what it writes be written once only.
	ListReferrers(ctx context.Context, repository string, subject v1.Hash, referrers []v1.Descriptor) error
}

// Endpoints are the two sides of a copy.
type Endpoints struct {
	// Source returns what serves the content of a host, "registry.example.com:5000".
	Source func(host string) (Source, error)
	Target Target
}

// Body is the content of one blob, to be sent perhaps more than once: an upload that
// breaks goes on from wherever the target says it stands.
type Body interface {
	// From returns the content from offset to its end and ends the use of every reader
	// returned before; until the first Read it holds no place at the source. The last Read
	// fails where the content does not match the blob's digest, so that a consumer that
	// reads to EOF has checked it. Where it never read what is before offset, since the target
	// has that from an earlier run, nothing is checked here, and the target's own check counts.
	From(offset int64) (io.Reader, error)
}

// ErrSuperseded is what a Body's reader returns once From has been called again.
var ErrSuperseded = errors.New("the body is being read from another place")
