package plan

import (
	"context"
	"errors"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Manifest is a manifest that a plan puts into a repository of the target.
type Manifest struct {
	oci.Manifest
	// Reference is a tag or a digest.
	Reference string
	// Blobs are those that the manifest names and that travel with it, each once. Manifests share them.
	Blobs []*v1.Descriptor
	// Attachment is the digest of what it belongs to, where that is attached to the artifact
	// and no part of it: a signature, an SBOM. It is empty for the artifact's own manifests.
	Attachment string
	// Wave is 1 for what is attached to the artifact, 2 for what is attached to that, and so on; 0
	// for the artifact's own manifests. The attachments of one wave do not depend on one another.
	Wave int
	// Head says that it is the manifest by which the attachment is found.
	Head bool
}

// Origin is a repository of a source in which a blob can be read.
type Origin struct {
	Source registry.Source
	// Host is the source's, for errors.
	Host       string
	Repository string
}

// Of is a blob of its, as people write it.
func (o Origin) Of(digest v1.Hash) string {
	return strings.TrimPrefix(o.Host+"/"+o.Repository+"@"+digest.String(), "/")
}

// Open opens the bytes of the blob from from up to to, in the first of its origins that has
// it. The rules of registry.Source's Blob hold.
func (b *Blob) Open(ctx context.Context, from, to int64) (registry.Content, error) {
	var errs []error
	for _, origin := range b.Origins {
		content, err := origin.Source.Blob(ctx, origin.Repository, b.Descriptor, from, to)
		if err == nil || !errors.Is(err, registry.ErrNotFound) {
			return content, err
		}
		errs = append(errs, err)
	}
	return registry.Content{}, errors.Join(errs...)
}
