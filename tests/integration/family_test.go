package integration_test

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// family is a release at the source, with the layer sharing of the real one.
type family struct {
	// blobs are the sizes of the distinct blobs by digest.
	blobs map[string]int64
}

const kib = 1 << 10

// pushFamily puts a stand-in release into the source.
func pushFamily(t *testing.T, r *rig, opts standin.Options) *family {
	t.Helper()
	release, err := standin.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	written, err := release.Push(t.Context(), ref.Folder{Host: r.source.Host}, r.source.Remote(t.Context())...)
	if err != nil {
		t.Fatalf("pushing the stand-in release: %v", err)
	}
	f := &family{blobs: map[string]int64{}}
	for _, a := range written {
		image, err := remote.Image(r.source.Reference(t, sourceName(a)), r.source.Remote(t.Context())...)
		if err != nil {
			t.Fatal(err)
		}
		f.add(t, image)
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
