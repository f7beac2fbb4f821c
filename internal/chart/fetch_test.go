package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// oneChart is a source that holds one manifest under a tag, others by their digest, and one
// blob.
type oneChart struct {
	registry.Source
	manifest oci.Manifest
	others   []oci.Manifest
	blob     []byte
}

func (s oneChart) Manifest(_ context.Context, _, reference string, _ ...types.MediaType) (oci.Manifest, error) {
	if reference == "v1.2.3" {
		return s.manifest, nil
	}
	for _, other := range s.others {
		if reference == other.Descriptor.Digest.String() {
			return other, nil
		}
	}
	return oci.Manifest{}, registry.ErrNotFound
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
		Config: v1.Descriptor{MediaType: config, Digest: hash, Size: size},
		Layers: []v1.Descriptor{{MediaType: helmregistry.ProvLayerMediaType, Digest: hash, Size: size}, {MediaType: layer, Digest: hash, Size: size}},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oci.New(types.OCIManifestSchema1, body)
	if err != nil {
		t.Fatal(err)
	}
	return oneChart{blob: blob, manifest: manifest}
}

// inIndex puts manifests into an index, which then is what the tag names. Their descriptors
// may be altered first.
func (s oneChart) inIndex(t *testing.T, children ...oci.Manifest) oneChart {
	t.Helper()
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, child := range children {
		index.Manifests = append(index.Manifests, child.Descriptor)
	}
	body, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	s.others = append(s.others, children...)
	if s.manifest, err = oci.New(types.OCIImageIndex, body); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFetch(t *testing.T) {
	good := charttest.Pack(t, map[string]string{"Chart.yaml": charttest.YAML})
	chart, err := Fetch(t.Context(), stored(t, helmregistry.ConfigMediaType, helmregistry.ChartLayerMediaType, good), "charts/sample", "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if chart.Name() != "sample" || !bytes.Equal(chart.Archive(), good) {
		t.Errorf("Fetch() = %s of %d bytes, want sample of %d", chart.Name(), len(chart.Archive()), len(good))
	}
}

// A chart in an index is a chart, beside images and other things too.
func TestFetchFromIndex(t *testing.T) {
	good := charttest.Pack(t, map[string]string{"Chart.yaml": charttest.YAML})
	chart := stored(t, helmregistry.ConfigMediaType, helmregistry.ChartLayerMediaType, good)
	image := stored(t, types.DockerConfigJSON, types.DockerLayer, good).manifest
	image.Descriptor.Platform = &v1.Platform{OS: "linux", Architecture: "amd64"}
	signature := stored(t, "application/vnd.example.signature", types.DockerLayer, good).manifest
	signature.Descriptor.ArtifactType = "application/vnd.example.signature"
	said, forPlatform := chart.manifest, chart.manifest
	said.Descriptor.ArtifactType = helmregistry.ConfigMediaType
	forPlatform.Descriptor.Platform = &v1.Platform{OS: "unknown", Architecture: "unknown"}
	tests := []struct {
		name   string
		source oneChart
	}{
		{"alone", chart.inIndex(t, chart.manifest)},
		{"for a platform", chart.inIndex(t, forPlatform)},
		{"after an image and a signature", chart.inIndex(t, image, signature, chart.manifest)},
		{"that says so, after many", chart.inIndex(t, append(slices.Repeat([]oci.Manifest{image}, 2*maxChildren), said)...)},
		{"in an index in an index", chart.inIndex(t, chart.inIndex(t, chart.manifest).manifest, chart.manifest)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Fetch(t.Context(), tt.source, "charts/sample", "v1.2.3")
			if err != nil || got.Name() != "sample" {
				t.Errorf("Fetch() = %v, %v, want sample", got, err)
			}
		})
	}
	for name, source := range map[string]oneChart{
		"only an image":     chart.inIndex(t, image),
		"nothing":           chart.inIndex(t),
		"indexes of itself": chart.inIndex(t, chart.inIndex(t, chart.inIndex(t, chart.manifest).manifest).manifest),
	} {
		source.others = append(source.others, chart.inIndex(t, chart.manifest).manifest, chart.inIndex(t, chart.inIndex(t, chart.manifest).manifest).manifest)
		if _, err := Fetch(t.Context(), source, "charts/sample", "v1.2.3"); !errors.Is(err, ErrNotAChart) {
			t.Errorf("Fetch(%s) = %v, want ErrNotAChart", name, err)
		}
	}
	if _, err := Fetch(t.Context(), oneChart{manifest: chart.inIndex(t, chart.manifest).manifest}, "charts/sample", "v1.2.3"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("Fetch(index whose child is gone) = %v, want ErrNotFound", err)
	}
}

func TestFetchFails(t *testing.T) {
	good := charttest.Pack(t, map[string]string{"Chart.yaml": charttest.YAML})
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
