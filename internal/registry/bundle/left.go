package bundle

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
)

// Left are the digests of what indexes of the bundle name, and the bundle does not have on purpose,
// as its lock says: images for platforms that nobody wanted.
func (b *Bundle) Left() map[v1.Hash]bool { return maps.Clone(b.left) }

// leftBy is what each index leaves behind, by its digest: what all artifacts that are it leave.
func leftBy(artifacts []lock.Artifact) map[v1.Hash][]v1.Hash {
	left := map[v1.Hash][]v1.Hash{}
	seen := map[v1.Hash]bool{}
	for _, a := range artifacts {
		if !seen[a.Digest] {
			seen[a.Digest], left[a.Digest] = true, a.Left
			continue
		}
		left[a.Digest] = slices.DeleteFunc(slices.Clone(left[a.Digest]), func(d v1.Hash) bool { return !slices.Contains(a.Left, d) })
	}
	return left
}

// checkLeft wants what the lock says was left behind to be named by its index, and something of that
// to be here. What is absent and not said to be is found where manifests are read.
func (b *Bundle) checkLeft() error {
	b.left = map[v1.Hash]bool{}
	for _, a := range b.lock.Artifacts {
		links, _ := b.links(a.Digest)
		for _, digest := range a.Left {
			if !slices.ContainsFunc(links.Manifests, func(d v1.Descriptor) bool { return d.Digest == digest }) {
				return fmt.Errorf("%s: the lock says that %s was left behind, which the index does not name: the bundle was changed", a.Source, digest)
			}
			if _, here := b.manifests[digest]; !here {
				b.left[digest] = true
			}
		}
		if len(a.Left) > 0 && !slices.ContainsFunc(links.Manifests, func(d v1.Descriptor) bool { return !slices.Contains(a.Left, d.Digest) }) {
			return fmt.Errorf("%s: the lock says that all of its images were left behind", a.Source)
		}
	}
	return nil
}
