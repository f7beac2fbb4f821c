package bundle

import (
	"bytes"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// indexOf is index.json: what other tools look for a reference in.
func indexOf(lock *Lock) v1.IndexManifest {
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
				refNameAnnotation:    source.String(),
				containerdAnnotation: source.String(),
			}
		}
		index.Manifests = append(index.Manifests, d)
	}
	for _, a := range lock.Artifacts {
		add(a.Source, a.descriptor())
	}
	for _, a := range lock.Attachments {
		add(a.Source, a.descriptor())
	}
	return index
}

// dockerImage is an entry of manifest.json, the table of contents that "docker load" and
// "podman load" want. It costs a few hundred bytes an image.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// dockerJSON is manifest.json: the images of one platform, for the format knows no
// others. It is empty for a delta, of which those tools could make nothing.
func dockerJSON(lock *Lock, parsed func(v1.Hash) (*links, bool)) []byte {
	if lock.Omits() {
		return nil
	}
	var images []dockerImage
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
	return encode(images)
}

func dockerEntry(a LockedArtifact, l *links) (dockerImage, bool) {
	if l.Config == nil || !l.Config.MediaType.IsConfig() || a.Source.Tag == "" {
		return dockerImage{}, false
	}
	name := a.Source
	name.Digest = ""
	image := dockerImage{Config: blobName(l.Config.Digest), RepoTags: []string{name.String()}}
	for _, d := range l.Layers {
		if !d.MediaType.IsLayer() || mayBeAbsent(d) {
			return dockerImage{}, false
		}
		image.Layers = append(image.Layers, blobName(d.Digest))
	}
	return image, true
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		panic(err) // only our own types come here
	}
	return b.Bytes()
}
