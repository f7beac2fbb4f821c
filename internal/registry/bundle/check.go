package bundle

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// checkIndex wants index.json to be what the lock makes of it: the signature covers the lock,
// while other tools go by the names in index.json.
func (b *Bundle) checkIndex() error {
	if err := archive.CheckVersion(b.archive); err != nil {
		return err
	}
	want := write.Index(b.lock)
	changed := b.sameAs(imagelayout.IndexFile, imagelayout.Encode(want))
	if changed == nil {
		return nil
	}
	if index, err := archive.ReadIndex(b.archive); err == nil {
		return cmp.Or(difference(index, want), changed)
	}
	return changed
}

// difference names the first of what an index says otherwise than it should.
func difference(index *v1.IndexManifest, want v1.IndexManifest) error {
	locked := make(map[v1.Hash][]string)
	for _, d := range want.Manifests {
		locked[d.Digest] = append(locked[d.Digest], d.Annotations[imagelayout.RefName])
	}
	for _, d := range index.Manifests {
		names, ok := locked[d.Digest]
		if !ok {
			return fmt.Errorf("%s names %s, which is not in the lock: the bundle was changed", imagelayout.IndexFile, d.Digest)
		}
		for _, key := range []string{imagelayout.RefName, imagelayout.ContainerdName} {
			if name := d.Annotations[key]; !slices.Contains(names, name) {
				return fmt.Errorf("%s calls %s %q, which the lock does not: the bundle was changed", imagelayout.IndexFile, d.Digest, name)
			}
		}
	}
	return nil
}

// checkDocker wants manifest.json, where there is one, to be what the lock makes of it.
func (b *Bundle) checkDocker() error {
	if !b.own || b.archive.Files[imagelayout.DockerFile] == nil {
		return nil
	}
	return b.sameAs(imagelayout.DockerFile, write.DockerTable(b.lock, b.links))
}

// sameAs holds a small file against what Write would make of the lock. Programs read JSON
// differently where names in it come twice, so only the same bytes will do.
func (b *Bundle) sameAs(name string, want []byte) error {
	f, ok := b.archive.Files[name]
	if !ok {
		return fmt.Errorf("%s is missing", name)
	}
	got, err := archive.ReadSmall(f, lock.MaxSize)
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
	needed, err := b.needed()
	if err != nil {
		return err
	}
	omitted := make(map[v1.Hash]bool)
	for _, l := range b.lock.Blobs {
		need, ok := needed[l.Digest]
		if b.own && (!ok || need.Size != l.Size) {
			return fmt.Errorf("the lock names blob %s of %d bytes, which no manifest does", l.Digest, l.Size)
		}
		// A manifest that is a blob as well is in every bundle, for all manifests are.
		_, here := b.archive.Blobs[l.Digest]
		if _, isManifest := b.manifests[l.Digest]; b.own && l.Omitted && here && !isManifest {
			return fmt.Errorf("the lock says that blob %s is left out, and it is here: the bundle was changed", l.Digest)
		}
		omitted[l.Digest] = l.Omitted
	}
	var missing []string
	for digest, need := range needed {
		f, here := b.archive.Blobs[digest]
		known, locked := omitted[digest]
		switch {
		case here && f.Size() != need.Size:
			return fmt.Errorf("blob %s has %d bytes and should have %d", digest, f.Size(), need.Size)
		case b.own && !locked && !here && !need.MediaType.IsDistributable() && !oci.IsForeign(need):
			return fmt.Errorf("layer %s is not in it: it is called non-distributable, and no address says where else it is. An earlier version left such layers out: save the bundle again", digest)
		case b.own && !locked && !oci.IsForeign(need):
			return fmt.Errorf("the lock does not name blob %s", digest)
		case !here && !known && !oci.IsForeign(need):
			missing = append(missing, digest.String())
		}
		b.sizes[digest] = need.Size
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("blobs are missing: %d, %s the first", len(missing), missing[0])
	}
	return nil
}

// needed are the blobs that the manifests name.
func (b *Bundle) needed() (map[v1.Hash]v1.Descriptor, error) {
	all := make(map[v1.Hash]v1.Descriptor)
	for digest, m := range b.manifests {
		for _, d := range m.blobs() {
			if other, ok := all[d.Digest]; ok && other.Size != d.Size {
				return nil, fmt.Errorf("manifest %s: blob %s is said to have %d and %d bytes", digest, d.Digest, other.Size, d.Size)
			}
			all[d.Digest] = d
		}
	}
	return all, nil
}

// ownFiles are those of a bundle of ours beside its blobs.
var ownFiles = []string{imagelayout.VersionFile, imagelayout.IndexFile, imagelayout.DockerFile, write.LockFile, write.SignatureFile}

// checkStrays wants every file of a bundle of ours to be accounted for. Other tools keep
// what they like.
func (b *Bundle) checkStrays() error {
	if !b.own {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(b.archive.Files)) {
		if !slices.Contains(ownFiles, name) {
			return fmt.Errorf("entry %q does not belong to a bundle", name)
		}
	}
	if b.archive.Files[write.SignatureFile] != nil && b.archive.Files[write.LockFile] == nil {
		return errors.New("a signature without a lock")
	}
	for digest := range b.archive.Blobs {
		_, isManifest := b.manifests[digest]
		_, isBlob := b.sizes[digest]
		if !isManifest && !isBlob {
			return fmt.Errorf("blob %s belongs to nothing", digest)
		}
	}
	return nil
}
