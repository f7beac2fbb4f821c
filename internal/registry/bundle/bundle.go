package bundle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Bundle is a bundle open for reading. It is a registry.Source in which a repository is
// named as at its source, as at its target, or with the source's host before it. It is
// safe for concurrent use.
type Bundle struct {
	name    string
	archive *archive.Archive
	lock    *lock.Lock
	// own tells whether the lock came with the bundle.
	own    bool
	signed bool

	manifests map[v1.Hash]entry
	sizes     map[v1.Hash]int64
	// lockedBlobs are those of the bundle's own lock.
	lockedBlobs map[v1.Hash]bool
	// tags are by the target's repository; aliases lead there from the source's names.
	tags      map[string]map[string]v1.Descriptor
	aliases   map[string][]string
	aliased   map[[2]string]bool // what is in aliases
	referrers map[v1.Hash][]v1.Descriptor

	walk  oci.Walk
	named int // by all manifests
	// leaving is what the index that is read leaves behind; left is what all of them do, and that is
	// not here for another's sake.
	leaving []v1.Hash
	left    map[v1.Hash]bool
	astray  []string
}

// entry is a manifest that was read and checked.
type entry struct {
	descriptor v1.Descriptor
	links      *oci.Links
	// others are what an index names and is no manifest.
	others []v1.Descriptor
}

// blobs are those that the manifest names.
func (e entry) blobs() []v1.Descriptor { return append(e.links.Needs(), e.others...) }

// newBundle holds an archive against what its lock, or its index, says of it.
func newBundle(ctx context.Context, name string, a *archive.Archive, opts OpenOptions) (*Bundle, error) {
	b := &Bundle{
		name: name, archive: a,
		manifests: make(map[v1.Hash]entry),
		sizes:     make(map[v1.Hash]int64),
		tags:      make(map[string]map[string]v1.Descriptor),
		aliases:   make(map[string][]string),
		aliased:   make(map[[2]string]bool),
		referrers: make(map[v1.Hash][]v1.Descriptor),
	}
	b.walk = oci.Walk{
		Fetch: b.child, Missing: func(err error) bool { return errors.Is(err, errBlob) }, Visit: b.visit,
		Limits: oci.Limits{Manifests: maxCount, Bytes: maxManifests}, Bytes: new(atomic.Int64),
	}
	if err := b.readLock(ctx, opts); err != nil {
		return nil, err
	}
	if err := b.readArtifacts(ctx); err != nil {
		return nil, err
	}
	for _, check := range []func() error{b.checkBlobs, b.checkDocker, b.checkStrays} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readLock reads the lock, or makes one of the index of another tool. Where a signature is
// asked for, nothing is read before it but the lock's bytes.
func (b *Bundle) readLock(ctx context.Context, opts OpenOptions) error {
	f, own := b.archive.Files[write.LockFile]
	if !own {
		if opts.PublicKey != "" {
			return errUnsigned
		}
		index, err := archive.ReadIndex(b.archive)
		if err != nil {
			return err
		}
		b.lock, err = b.lockOf(ctx, index, opts)
		return err
	}
	body, err := archive.ReadSmall(f, lock.MaxSize)
	if err != nil {
		return fmt.Errorf("%s: %w", write.LockFile, err)
	}
	if err := b.checkSignature(body, opts.PublicKey); err != nil {
		return err
	}
	if b.lock, err = lock.Parse(body); err != nil {
		return err
	}
	b.own, b.lockedBlobs = true, make(map[v1.Hash]bool)
	for _, blob := range b.lock.Blobs {
		b.lockedBlobs[blob.Digest] = true
	}
	return b.checkIndex()
}

// readArtifacts reads the manifests of everything in the lock.
func (b *Bundle) readArtifacts(ctx context.Context) error {
	leaving := leftBy(b.lock.Artifacts)
	for _, a := range b.lock.Artifacts {
		b.leaving = leaving[a.Digest]
		if err := b.readManifest(ctx, a.Descriptor()); err != nil {
			return fmt.Errorf("%s: %w", a.Source, err)
		}
		b.publish(a.Source, a.Target, a.Descriptor())
	}
	b.leaving = nil
	for _, a := range b.lock.Attachments {
		if err := b.readManifest(ctx, a.Descriptor()); err != nil {
			return fmt.Errorf("%s: %w", a.Source, err)
		}
		b.publish(a.Source, a.Target, a.Descriptor())
	}
	return b.checkLeft()
}

// publish makes content known under the names of both sides.
func (b *Bundle) publish(source, target ref.Reference, d v1.Descriptor) {
	if b.tags[target.Repository] == nil {
		b.tags[target.Repository] = make(map[string]v1.Descriptor)
	}
	if target.Tag != "" {
		b.tags[target.Repository][target.Tag] = d
	}
	for _, alias := range []string{source.Repository, source.Name()} {
		if pair := [2]string{alias, target.Repository}; alias != target.Repository && !b.aliased[pair] {
			b.aliased[pair] = true
			b.aliases[alias] = append(b.aliases[alias], target.Repository)
		}
	}
}
