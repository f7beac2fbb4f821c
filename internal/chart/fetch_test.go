package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// shelf is a source that holds one manifest and one blob.
type shelf struct {
	registry.Source
	manifest registry.Manifest
	blob     []byte
}

func (s shelf) Manifest(_ context.Context, _, reference string) (registry.Manifest, error) {
	if reference != "v1.2.3" {
		return registry.Manifest{}, registry.ErrNotFound
	}
	return s.manifest, nil
}

func (s shelf) Blob(context.Context, string, v1.Descriptor, int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.blob)), nil
}

// stored makes a shelf of a blob under the given media types.
func stored(t *testing.T, config, layer types.MediaType, blob []byte) shelf {
	t.Helper()
	hash, size, err := v1.SHA256(bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: v1.Descriptor{MediaType: config, Digest: hash},
		Layers: []v1.Descriptor{{MediaType: helmregistry.ProvLayerMediaType, Digest: hash}, {MediaType: layer, Digest: hash, Size: size}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return shelf{blob: blob, manifest: registry.Manifest{Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1}, Body: body}}
}

func TestFetch(t *testing.T) {
	good := pack(t, map[string]string{"Chart.yaml": chartYAML})
	chart, err := Fetch(t.Context(), stored(t, helmregistry.ConfigMediaType, helmregistry.ChartLayerMediaType, good), "charts/sample", "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if chart.Name() != "sample" || !bytes.Equal(chart.Archive(), good) {
		t.Errorf("Fetch() = %s of %d bytes, want sample of %d", chart.Name(), len(chart.Archive()), len(good))
	}
}

func TestFetchFails(t *testing.T) {
	good := pack(t, map[string]string{"Chart.yaml": chartYAML})
	altered := stored(t, helmregistry.ConfigMediaType, helmregistry.ChartLayerMediaType, good)
	altered.blob = append([]byte{}, good[:len(good)-1]...)
	index := stored(t, helmregistry.ConfigMediaType, helmregistry.ChartLayerMediaType, good)
	index.manifest.Descriptor.MediaType = types.OCIImageIndex
	garbled := index
	garbled.manifest = registry.Manifest{Body: []byte("{")}
	tests := []struct {
		name      string
		source    shelf
		reference string
		want      error
	}{
		{"nothing there", altered, "v9", registry.ErrNotFound},
		{"altered on the way", altered, "v1.2.3", registry.ErrDigestMismatch},
		{"an image", stored(t, types.DockerConfigJSON, types.DockerLayer, good), "v1.2.3", ErrNotAChart},
		{"an index", index, "v1.2.3", ErrNotAChart},
		{"no JSON", garbled, "v1.2.3", ErrNotAChart},
		{"no chart layer", stored(t, helmregistry.ConfigMediaType, types.DockerLayer, good), "v1.2.3", ErrNotAChart},
		{"layer that is no archive", stored(t, helmregistry.ConfigMediaType, helmregistry.ChartLayerMediaType, []byte("x")), "v1.2.3", ErrNotAChart},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Fetch(t.Context(), tt.source, "charts/sample", tt.reference); !errors.Is(err, tt.want) {
				t.Errorf("Fetch(%s) = %v, want %v", tt.name, err, tt.want)
			}
		})
	}
}
