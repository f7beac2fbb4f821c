package write

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Index is index.json of a lock: what other tools look for a reference in.
func Index(lock *lock.Lock) v1.IndexManifest {
	index := v1.IndexManifest{
		SchemaVersion: 2,
		MediaType:     types.OCIImageIndex,
		Manifests:     []v1.Descriptor{},
	}
	seen := make(map[string]bool)
	add := func(source ref.Reference, d v1.Descriptor) {
		if seen[source.String()] {
			return // one source for two targets
		}
		seen[source.String()] = true
		if source.Tag != "" {
			source.Digest = ""
			d.Annotations = map[string]string{
				imagelayout.RefName:        source.String(),
				imagelayout.ContainerdName: source.String(),
			}
		}
		index.Manifests = append(index.Manifests, d)
	}
	for _, a := range lock.Artifacts {
		add(a.Source, a.Descriptor())
	}
	for _, a := range lock.Attachments {
		add(a.Source, a.Descriptor())
	}
	return index
}

// DockerTable is manifest.json of a lock: the images of one platform, for the format knows no
// others. parsed finds a manifest. It is nil for a
// delta, of which those tools could make nothing.
func DockerTable(lock *lock.Lock, parsed func(v1.Hash) (*oci.Links, bool)) []byte {
	if lock.Omits() {
		return nil
	}
	var images []imagelayout.DockerImage
	for _, a := range lock.Artifacts {
		l, ok := parsed(a.Digest)
		if !ok {
			continue
		}
		if image, ok := dockerEntry(a, l); ok {
			images = append(images, image)
		}
	}
	if len(images) == 0 {
		return nil
	}
	return imagelayout.Encode(images)
}

func dockerEntry(a lock.Artifact, l *oci.Links) (imagelayout.DockerImage, bool) {
	if l.Config == nil || !l.Config.MediaType.IsConfig() || a.Source.Tag == "" {
		return imagelayout.DockerImage{}, false
	}
	name := a.Source
	name.Digest = ""
	image := imagelayout.DockerImage{Config: imagelayout.BlobName(l.Config.Digest), RepoTags: []string{name.String()}}
	for _, d := range l.Layers {
		if !d.MediaType.IsLayer() || oci.IsForeign(d) {
			return imagelayout.DockerImage{}, false
		}
		image.Layers = append(image.Layers, imagelayout.BlobName(d.Digest))
	}
	return image, true
}
