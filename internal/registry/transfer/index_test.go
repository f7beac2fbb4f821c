package transfer_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// raw is content that is put as it is.
type raw struct {
	mediaType types.MediaType
	body      []byte
}

func (r raw) RawManifest() ([]byte, error)        { return r.body, nil }
func (r raw) MediaType() (types.MediaType, error) { return r.mediaType, nil }

// putContent puts content of any type as a manifest and returns its descriptor.
func putContent(t *testing.T, host, rest string, mediaType types.MediaType, content any) v1.Descriptor {
	t.Helper()
	body := must[[]byte](t)(json.Marshal(content))
	digest, size, err := v1.SHA256(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if rest[len(rest)-1] == '@' {
		rest += digest.String()
	}
	if err := ggcrremote.Put(refTo(t, host, rest), raw{mediaType, body}); err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}
}

// What an index names besides images travels as it is: the layers of a build cache, manifests
// of a type that came and went, and those of a type that nobody knows.
func TestIndexesOfOtherThings(t *testing.T) {
	const (
		artifact types.MediaType = "application/vnd.oci.artifact.manifest.v1+json"
		unknown  types.MediaType = "application/vnd.example.thing.v1+json"
	)
	layer := static.NewLayer([]byte("a cached layer"), types.OCILayer)
	blob := v1.Descriptor{MediaType: types.OCILayer, Digest: must[v1.Hash](t)(layer.Digest()), Size: must[int64](t)(layer.Size())}
	odd := blob
	odd.MediaType = "application/vnd.example.blob.v1"
	tests := []struct {
		name  string
		child func(t *testing.T, host string) v1.Descriptor
		path  string // where the child is found, below /v2/mirror/app/
	}{
		{"layer", func(*testing.T, string) v1.Descriptor { return blob }, "blobs/"},
		{"blob of a type nobody knows", func(*testing.T, string) v1.Descriptor { return odd }, "blobs/"},
		{"artifact manifest", func(t *testing.T, host string) v1.Descriptor {
			return putContent(t, host, "app@", artifact, map[string]any{"mediaType": artifact, "artifactType": "application/x", "blobs": []v1.Descriptor{blob}})
		}, "manifests/"},
		{"unknown manifest", func(t *testing.T, host string) v1.Descriptor {
			return putContent(t, host, "app@", unknown, map[string]any{"mediaType": unknown, "a": 1})
		}, "manifests/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
			if err := ggcrremote.WriteLayer(refTo(t, w.from, "app:v0").Context(), layer); err != nil {
				t.Fatal(err)
			}
			image := imageOf(t, randomLayer(t, 1_000))
			digest := push(t, w.from, "app:image", image)
			child := tt.child(t, w.from)
			index := putContent(t, w.from, "app:v0", types.OCIImageIndex, v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex,
				Manifests: []v1.Descriptor{{MediaType: types.OCIManifestSchema1, Digest: digest, Size: must[int64](t)(image.Size())}, child}})
			_, report := w.copy(t, plan.Options{}, "app:v0")
			wantCopied(t, report)
			if got := digestAt(t, w.to, "mirror/app:v0"); got != index.Digest.String() {
				t.Errorf("the index arrived as %q, want %s", got, index.Digest)
			}
			if got := statusOf(t, "http://"+w.to+"/v2/mirror/app/"+tt.path+child.Digest.String()); got != http.StatusOK {
				t.Errorf("the %s is answered with %d at the target, want it there", tt.name, got)
			}
			wantStates(t, w.plan(t, plan.Options{}, "app:v0"), "present")
		})
	}
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp := must[*http.Response](t)(http.DefaultClient.Do(request))
	_ = resp.Body.Close()
	return resp.StatusCode
}
