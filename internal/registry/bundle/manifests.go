package bundle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// What all manifests of a bundle may come to together. Their depth is bounded as it is for
// the copy engine, so that what can be opened can be loaded.
const (
	maxManifests = 64 << 20 // bytes
	maxCount     = 1 << 20
	maxNamed     = 100_000 // blobs and manifests that they name, each as often as it is named
)

// readManifest reads a manifest and everything below it, and holds each against the
// descriptor that led to it.
func (b *Bundle) readManifest(ctx context.Context, d v1.Descriptor) error {
	if known, ok := b.manifests[d.Digest]; ok {
		if known.descriptor.Size != d.Size {
			return fmt.Errorf("manifest %s is said to have %d and %d bytes", d.Digest, known.descriptor.Size, d.Size)
		}
		return nil
	}
	if !oci.IsManifest(d.MediaType) {
		return fmt.Errorf("manifest %s is of type %q, which registries do not take", d.Digest, d.MediaType)
	}
	m, err := b.load(d)
	if err != nil {
		return err
	}
	return b.walk.From(ctx, m)
}

// errBlob: what an index names is a blob.
var errBlob = errors.New("no manifest")

// child reads what an index names. What is of a type that nobody knows is what the lock says
// that it is; without one, its name has to do.
func (b *Bundle) child(_ context.Context, d v1.Descriptor) (oci.Manifest, error) {
	if slices.Contains(b.leaving, d.Digest) {
		return oci.Manifest{}, oci.ErrSkip
	}
	if !oci.IsManifest(d.MediaType) && b.isBlob(d) {
		return oci.Manifest{}, errBlob
	}
	return b.load(d)
}

func (b *Bundle) isBlob(d v1.Descriptor) bool {
	if b.own {
		return b.lockedBlobs[d.Digest]
	}
	name := string(d.MediaType)
	return !strings.Contains(name, "manifest") && !strings.Contains(name, "index")
}

// visit keeps what a manifest links to.
func (b *Bundle) visit(n oci.Node) error {
	d, l := n.Descriptor, n.Links
	if l.MediaType != "" && l.MediaType != d.MediaType {
		return fmt.Errorf("manifest %s says that it is %q, and its descriptor %q", d.Digest, l.MediaType, d.MediaType)
	}
	e := entry{descriptor: d, links: l, others: n.Others}
	if b.named += len(e.blobs()) + len(l.Manifests); b.named > maxNamed {
		return fmt.Errorf("manifests that name more than %d blobs and manifests", maxNamed)
	}
	b.manifests[d.Digest] = e
	if l.Subject != nil {
		b.referrers[l.Subject.Digest] = append(b.referrers[l.Subject.Digest], l.Referrer(d))
	}
	return nil
}

// links finds what a manifest links to.
func (b *Bundle) links(digest v1.Hash) (*oci.Links, bool) {
	m, ok := b.manifests[digest]
	return m.links, ok
}

// load reads the bytes of a manifest and holds them against their digest.
func (b *Bundle) load(d v1.Descriptor) (oci.Manifest, error) {
	f, ok := b.archive.Blobs[d.Digest]
	if !ok {
		return oci.Manifest{}, fmt.Errorf("manifest %s is missing", d.Digest)
	}
	if f.Size() != d.Size {
		return oci.Manifest{}, fmt.Errorf("manifest %s has %d bytes and should have %d", d.Digest, f.Size(), d.Size)
	}
	body, err := archive.ReadSmall(f, lock.MaxManifest)
	if err != nil {
		return oci.Manifest{}, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	m := oci.Manifest{Descriptor: v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, Body: body}
	return m, lock.CheckDigest(m)
}
