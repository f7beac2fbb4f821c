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
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// oneChart is a source that holds one manifest and one blob.
type oneChart struct {
	registry.Source
	manifest oci.Manifest
	blob     []byte
}

func (s oneChart) Manifest(_ context.Context, _, reference string, _ ...types.MediaType) (oci.Manifest, error) {
	if reference != "v1.2.3" {
		return oci.Manifest{}, registry.ErrNotFound
	}
	return s.manifest, nil
}

func (s oneChart) Blob(context.Context, string, v1.Descriptor, int64, int64) (registry.Content, error) {
	return registry.Content{ReadCloser: io.NopCloser(bytes.NewReader(s.blob))}, nil
}

// stored makes a oneChart of a blob under the given media types.
func stored(t *testing.T, config, layer types.MediaType, blob []byte) oneChart {
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
	return oneChart{blob: blob, manifest: oci.Manifest{Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1}, Body: body}}
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
	garbled.manifest = oci.Manifest{Body: []byte("{")}
	tests := []struct {
		name      string
		source    oneChart
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
