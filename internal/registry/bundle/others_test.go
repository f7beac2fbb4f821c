package bundle

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// TestIndexesOfOtherThings: what an index names besides images travels in a bundle as it does
// from registry to registry.
func TestIndexesOfOtherThings(t *testing.T) {
	const (
		cache types.MediaType = "application/vnd.buildkit.cacheconfig.v0"
		thing types.MediaType = "application/vnd.example.thing.v1+json"
	)
	w := bundletest.New(t)
	blob := w.Blob(cache, []byte("a build cache"))
	unknown := w.Manifest(thing, map[string]any{"mediaType": thing, "a": 1})
	index := w.Manifest(types.OCIImageIndex, v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex,
		Manifests: []v1.Descriptor{w.Image(types.OCIManifestSchema1, w.Layer(40, 100)), w.Layer(41, 200), blob, unknown},
	})
	w.Artifact(versions.RoleExtra, "cache", "v1", index)
	b := open(t, w.Write(t, write.Options{}).Files[0], OpenOptions{})
	if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v", err)
	}
	const repository = "tanzu-sql-postgres/cache"
	if _, err := b.Manifest(t.Context(), repository, unknown.Digest.String(), thing); err != nil {
		t.Errorf("Manifest(of a type that nobody knows) = %v", err)
	}
	if d, err := b.Stat(t.Context(), repository, blob.Digest); err != nil || d.Size != blob.Size {
		t.Errorf("Stat(a blob in an index) = %v, %v, want %d bytes", d, err, blob.Size)
	}
}
