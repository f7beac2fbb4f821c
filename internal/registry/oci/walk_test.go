package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// manifestSource serves manifests from memory, by tag and by digest.
type manifestSource struct {
	manifests map[string]Manifest
}

var errNotFound = errors.New("not found")

// walk reads the manifest called top with everything below it, several children at once.
func (m *manifestSource) walk(atOnce int) (nodes []Node, err error) {
	walk := Walk{
		AtOnce: atOnce,
		Fetch: func(_ context.Context, child v1.Descriptor) (Manifest, error) {
			return m.manifest(child.Digest.String())
		},
		Visit: func(n Node) error { nodes = append(nodes, n); return nil },
	}
	top, err := m.manifest("top")
	if err == nil {
		err = walk.From(context.Background(), top)
	}
	return nodes, err
}

func (m *manifestSource) manifest(reference string) (Manifest, error) {
	found, ok := m.manifests[reference]
	if !ok {
		return Manifest{}, errNotFound
	}
	return found, nil
}

// put serves a manifest by its digest, and as reference.
func (m *manifestSource) put(t *testing.T, reference string, mediaType types.MediaType, content any) Manifest {
	t.Helper()
	body, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := New(mediaType, body)
	if err != nil {
		t.Fatal(err)
	}
	if m.manifests == nil {
		m.manifests = map[string]Manifest{}
	}
	m.manifests[manifest.Descriptor.Digest.String()] = manifest
	m.manifests[reference] = manifest
	return manifest
}

func image(size int64) v1.Manifest {
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	return v1.Manifest{SchemaVersion: 2, Config: v1.Descriptor{Digest: digest, Size: 2, MediaType: types.OCIConfigJSON},
		Layers: []v1.Descriptor{{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("b", 64)}, Size: size, MediaType: types.OCILayer}}}
}

func TestWalkRefusesHostileManifests(t *testing.T) {
	tests := []struct {
		name  string
		build func(*testing.T, *manifestSource)
		want  string
	}{
		{"negative size", func(t *testing.T, m *manifestSource) { m.put(t, "top", types.OCIManifestSchema1, image(-1)) }, "absurd size"},
		{"absurd size", func(t *testing.T, m *manifestSource) { m.put(t, "top", types.OCIManifestSchema1, image(1<<60)) }, "absurd size"},
		{"no bytes, and a digest of some", func(t *testing.T, m *manifestSource) { m.put(t, "top", types.OCIManifestSchema1, image(0)) }, "is said to have no bytes"},
		{"no JSON", func(t *testing.T, m *manifestSource) { m.put(t, "top", types.OCIManifestSchema1, "text") }, "reading manifest"},
		{"an algorithm nobody knows", func(t *testing.T, m *manifestSource) {
			broken := image(1)
			broken.Layers[0].Digest.Algorithm = "md5"
			m.put(t, "top", types.OCIManifestSchema1, broken)
		}, "md5"},
		{"indexes in indexes without end", func(t *testing.T, m *manifestSource) {
			below := m.put(t, "image", types.OCIManifestSchema1, image(1))
			for i := range 10 {
				below = m.put(t, "top", types.OCIImageIndex, v1.IndexManifest{Manifests: []v1.Descriptor{below.Descriptor},
					Annotations: map[string]string{"level": fmt.Sprint(i)}})
			}
		}, "nested too deep"},
		{"a child of another size", func(t *testing.T, m *manifestSource) {
			child := m.put(t, "image", types.OCIManifestSchema1, image(1)).Descriptor
			child.Size++
			m.put(t, "top", types.OCIImageIndex, v1.IndexManifest{Manifests: []v1.Descriptor{child}})
		}, "says that"},
		{"a child that is not there", func(t *testing.T, m *manifestSource) {
			child := v1.Descriptor{Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("c", 64)}}
			m.put(t, "top", types.OCIImageIndex, v1.IndexManifest{Manifests: []v1.Descriptor{child}})
		}, "not found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := &manifestSource{}
			tt.build(t, source)
			source.refused(t, tt.want)
		})
	}
}

// Nor does it hold more bytes than memory should.
func TestLargeWalkIsRefused(t *testing.T) {
	source := &manifestSource{}
	index := v1.IndexManifest{}
	for i := range 20 {
		child := image(1)
		child.Annotations = map[string]string{"padding": strings.Repeat("x", 4<<20), "number": fmt.Sprint(i)}
		index.Manifests = append(index.Manifests, source.put(t, "child", types.OCIManifestSchema1, child).Descriptor)
	}
	source.put(t, "top", types.OCIImageIndex, index)
	source.refused(t, "more than 64 MiB")
}

// refused wants a walk to end with an error, children one by one or several at once.
func (m *manifestSource) refused(t *testing.T, want string) {
	t.Helper()
	_, err := m.walk(0)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("reading gave the error %v, want one with %q", err, want)
	}
	if _, side := m.walk(8); side == nil || side.Error() != err.Error() {
		t.Errorf("reading several at once gave the error %v, want %v", side, err)
	}
}

func TestForeignLayersAreToldApart(t *testing.T) {
	source := &manifestSource{}
	foreign := image(5)
	foreign.Layers[0].MediaType = types.DockerForeignLayer
	foreign.Layers[0].URLs = []string{"https://vendor.example.com/layer"}
	unplaced := foreign.Layers[0]
	unplaced.Digest.Hex, unplaced.URLs = strings.Repeat("c", 64), nil
	foreign.Layers = append(foreign.Layers, unplaced)
	source.put(t, "top", types.DockerManifestSchema2, foreign)
	nodes, err := source.walk(0)
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	for _, blob := range nodes[0].Links.Needs() {
		got = append(got, IsForeign(blob))
	}
	if want := []bool{false, true, false}; !slices.Equal(got, want) {
		t.Errorf("IsForeign(config, layer, layer without address) = %v, want %v", got, want)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(`{"schemaVersion":2,"config":{"digest":"sha256:aa","size":1}}`, true)
	f.Add(`{"manifests":[{"digest":"sha256:aa"}]}`, false)
	f.Fuzz(func(t *testing.T, body string, leaf bool) {
		mediaType := types.OCIImageIndex
		if leaf {
			mediaType = types.OCIManifestSchema1
		}
		manifest, err := New(mediaType, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		source := &manifestSource{manifests: map[string]Manifest{"top": manifest, manifest.Descriptor.Digest.String(): manifest}}
		if nodes, err := source.walk(8); err == nil && len(nodes) == 0 {
			t.Error("a manifest was read and is not there")
		}
	})
}
