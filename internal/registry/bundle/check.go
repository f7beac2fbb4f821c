package bundle

import (
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

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
	if len(b.archive.strays) > 0 {
		return fmt.Errorf("entry %q does not belong to a bundle", b.archive.strays[0])
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
