package integration_test

import (
	"fmt"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// family is content for a selection, with the layer sharing of a release: all images
// share a base, all instances one layer more, full and lite of a version another.
type family struct {
	images map[string]v1.Image // by REPOSITORY:TAG at the source
	// blobs are the sizes of the distinct blobs by digest.
	blobs map[string]int64
}

const kib = 1 << 10

// pushFamily makes a family for the artifacts and puts it into the source. Unit is the size
// of a version's own layer; a base layer has four times as much.
func pushFamily(t *testing.T, r *rig, artifacts []versions.Artifact, unit int64) *family {
	t.Helper()
	f := &family{images: map[string]v1.Image{}, blobs: map[string]int64{}}
	base, instances := layer(t, 4*unit), layer(t, 2*unit)
	shared := map[string]v1.Layer{}
	for _, a := range artifacts {
		var image v1.Image
		switch a.Role {
		case versions.RoleChart:
			image = chartArtifact(t, a)
		case versions.RoleInstance:
			version := fmt.Sprint(a.Versions)
			if shared[version] == nil {
				shared[version] = layer(t, unit)
			}
			image = imageOf(t, base, instances, shared[version], layer(t, unit/2))
		default:
			image = imageOf(t, base, layer(t, unit))
		}
		f.add(t, image)
		name := a.Source.Repository + ":" + a.Source.Tag
		f.images[name] = image
		r.source.Push(t, name, image)
	}
	r.resetCounts()
	return f
}

func (f *family) add(t *testing.T, image v1.Image) {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(manifest.Layers, manifest.Config) {
		f.blobs[d.Digest.String()] = d.Size
	}
}

// bytes is the size of the distinct blobs.
func (f *family) bytes() int64 {
	var sum int64
	for _, size := range f.blobs {
		sum += size
	}
	return sum
}

func imageOf(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	image := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	image, err := mutate.AppendLayers(image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func layer(t *testing.T, size int64) v1.Layer {
	t.Helper()
	l, err := random.Layer(size, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// chartArtifact has the media types of a Helm chart, which no image has.
func chartArtifact(t *testing.T, a versions.Artifact) v1.Image {
	t.Helper()
	content := static.NewLayer([]byte("a chart of "+a.Release), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	return mutate.ConfigMediaType(imageOf(t, content), "application/vnd.cncf.helm.config.v1+json")
}

// multiArch is an index of an image for each platform, and those images by platform.
func multiArch(t *testing.T, platforms ...string) (v1.ImageIndex, map[string]v1.Image) {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	images := map[string]v1.Image{}
	for _, name := range platforms {
		images[name] = imageOf(t, layer(t, kib))
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: images[name], Descriptor: v1.Descriptor{Platform: platform(t, name)},
		})
	}
	return index, images
}

func platform(t *testing.T, name string) *v1.Platform {
	t.Helper()
	p, err := v1.ParsePlatform(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func digestOf(t *testing.T, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
