package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// checkIndex wants index.json to be what the lock makes of it: the signature covers the lock,
// while other tools go by the names in index.json.
func (b *Bundle) checkIndex(index *v1.IndexManifest) error {
	want := indexOf(b.lock)
	locked := make(map[v1.Hash][]string)
	for _, d := range want.Manifests {
		locked[d.Digest] = append(locked[d.Digest], d.Annotations[refNameAnnotation])
	}
	for _, d := range index.Manifests {
		names, ok := locked[d.Digest]
		if !ok {
			return fmt.Errorf("%s names %s, which is not in the lock: the bundle was changed", indexName, d.Digest)
		}
		for _, key := range []string{refNameAnnotation, containerdAnnotation} {
			if name := d.Annotations[key]; !slices.Contains(names, name) {
				return fmt.Errorf("%s calls %s %q, which the lock does not: the bundle was changed", indexName, d.Digest, name)
			}
		}
	}
	return b.sameAs(indexName, encode(want))
}

// checkDocker wants manifest.json, where there is one, to be what the lock makes of it.
func (b *Bundle) checkDocker() error {
	if !b.own || b.archive.files[dockerName] == nil {
		return nil
	}
	return b.sameAs(dockerName, dockerJSON(b.lock, func(digest v1.Hash) (*links, bool) {
		m, ok := b.manifests[digest]
		return m.links, ok
	}))
}

// sameAs holds a small file against what Write would make of the lock. Programs read JSON
// differently where names in it come twice, so only the same bytes will do.
func (b *Bundle) sameAs(name string, want []byte) error {
	got, err := readSmall(b.archive.files[name], maxLock)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s does not say what the lock does: the bundle was changed", name)
	}
	return nil
}

// checkBlobs holds the blobs of the archive against those that the manifests name, and
// both against the lock.
func (b *Bundle) checkBlobs() error {
	g := newGraph(nil)
	for digest, m := range b.manifests {
		for _, d := range m.links.blobs() {
			if err := g.need(d, ""); err != nil {
				return fmt.Errorf("manifest %s: %w", digest, err)
			}
		}
	}
	omitted := make(map[v1.Hash]bool)
	for _, l := range b.lock.Blobs {
		need, ok := g.blobs[l.Digest]
		if b.own && (!ok || need.descriptor.Size != l.Size) {
			return fmt.Errorf("the lock names blob %s of %d bytes, which no manifest does", l.Digest, l.Size)
		}
		// A manifest that is a blob as well is in every bundle, for all manifests are.
		_, here := b.archive.blobs[l.Digest]
		if _, isManifest := b.manifests[l.Digest]; b.own && l.Omitted && here && !isManifest {
			return fmt.Errorf("the lock says that blob %s is left out, and it is here: the bundle was changed", l.Digest)
		}
		omitted[l.Digest] = l.Omitted
	}
	var missing []string
	for digest, need := range g.blobs {
		f, here := b.archive.blobs[digest]
		known, locked := omitted[digest]
		switch {
		case here && f.Size() != need.descriptor.Size:
			return fmt.Errorf("blob %s has %d bytes and should have %d", digest, f.Size(), need.descriptor.Size)
		case b.own && !locked && !mayBeAbsent(need.descriptor):
			return fmt.Errorf("the lock does not name blob %s", digest)
		case !here && !known && !mayBeAbsent(need.descriptor):
			missing = append(missing, digest.String())
		}
		b.sizes[digest] = need.descriptor.Size
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("%d blobs are missing, %s the first", len(missing), missing[0])
	}
	return nil
}

// checkStrays wants every file of a bundle of ours to be accounted for. Other tools keep
// what they like.
func (b *Bundle) checkStrays() error {
	if !b.own {
		return nil
	}
	if b.archive.stray != "" {
		return fmt.Errorf("entry %q does not belong to a bundle", b.archive.stray)
	}
	if b.archive.files[signatureName] != nil && b.archive.files[lockName] == nil {
		return errors.New("a signature without a lock")
	}
	for digest := range b.archive.blobs {
		_, isManifest := b.manifests[digest]
		_, isBlob := b.sizes[digest]
		if !isManifest && !isBlob {
			return fmt.Errorf("blob %s belongs to nothing", digest)
		}
	}
	return nil
}
