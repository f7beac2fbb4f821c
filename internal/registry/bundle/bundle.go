package bundle

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// maxManifests is how many bytes all manifests of a bundle may have together.
const maxManifests = 64 << 20

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
	// tags are by the target's repository; aliases lead there from the source's names.
	tags      map[string]map[string]v1.Descriptor
	aliases   map[string][]string
	aliased   map[[2]string]bool // what is in aliases
	referrers map[v1.Hash][]v1.Descriptor
	// total is the bytes of all manifests.
	total int64
}

// entry is a manifest that was read and checked.
type entry struct {
	descriptor v1.Descriptor
	links      *lock.Links
	// height is how many indexes lie within one another from here on.
	height int
}

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
	index, err := archive.ReadIndex(a)
	if err != nil {
		return nil, err
	}
	if err := b.readLock(ctx, index, opts); err != nil {
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

// readLock reads the lock, or makes one of the index of another tool.
func (b *Bundle) readLock(ctx context.Context, index *v1.IndexManifest, opts OpenOptions) error {
	f, own := b.archive.Files[write.LockFile]
	if !own {
		if opts.PublicKey != "" {
			return errUnsigned
		}
		var err error
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
	b.own = true
	return b.checkIndex(index)
}

// readArtifacts reads the manifests of everything in the lock.
func (b *Bundle) readArtifacts(ctx context.Context) error {
	for _, a := range b.lock.Artifacts {
		if err := b.readManifest(ctx, a.Descriptor(), 0); err != nil {
			return fmt.Errorf("%s: %w", a.Source, err)
		}
		b.publish(a.Source, a.Target, a.Descriptor())
	}
	for _, a := range b.lock.Attachments {
		if err := b.readManifest(ctx, a.Descriptor(), 0); err != nil {
			return fmt.Errorf("%s: %w", a.Source, err)
		}
		b.publish(a.Source, a.Target, a.Descriptor())
	}
	return nil
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

// maxDepth is how many indexes may lie within one another: as many as the copy engine
// follows (mostDepth there), so that what can be opened can be loaded.
const maxDepth = 4

func checkDepth(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("more than %d indexes lie within one another", maxDepth)
	}
	return nil
}

// readManifest reads a manifest and everything below it, and holds each against the
// descriptor that led to it.
func (b *Bundle) readManifest(ctx context.Context, d v1.Descriptor, depth int) error {
	if known, ok := b.manifests[d.Digest]; ok {
		if known.descriptor.Size != d.Size {
			return fmt.Errorf("manifest %s is said to have %d and %d bytes", d.Digest, known.descriptor.Size, d.Size)
		}
		return checkDepth(depth + known.height)
	}
	if err := checkDepth(depth); err != nil {
		return err
	}
	e, err := b.parse(ctx, d)
	if err != nil {
		return err
	}
	b.manifests[d.Digest] = e
	if l := e.links; l.Subject != nil {
		b.referrers[l.Subject.Digest] = append(b.referrers[l.Subject.Digest], l.Referrer(e.descriptor))
	}
	for _, child := range e.links.Manifests {
		if err := b.readManifest(ctx, child, depth+1); err != nil {
			return err
		}
		e.height = max(e.height, b.manifests[child.Digest].height+1)
	}
	b.manifests[d.Digest] = e
	return nil
}

// parse reads one manifest.
func (b *Bundle) parse(ctx context.Context, d v1.Descriptor) (entry, error) {
	if ctx.Err() != nil {
		return entry{}, context.Cause(ctx)
	}
	if !lock.IsManifest(d.MediaType) {
		return entry{}, fmt.Errorf("manifest %s is of type %q, which registries do not take", d.Digest, d.MediaType)
	}
	if b.total += d.Size; b.total > maxManifests {
		return entry{}, fmt.Errorf("manifests of more than %d bytes", maxManifests)
	}
	m, err := b.load(d)
	if err != nil {
		return entry{}, err
	}
	l, err := lock.ParseLinks(m.Body)
	if err != nil {
		return entry{}, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	if l.MediaType != "" && l.MediaType != d.MediaType {
		return entry{}, fmt.Errorf("manifest %s says that it is %q, and its descriptor %q", d.Digest, l.MediaType, d.MediaType)
	}
	return entry{descriptor: m.Descriptor, links: l}, nil
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
