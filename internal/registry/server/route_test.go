package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLocate(t *testing.T) {
	tests := []struct {
		path string
		want place
	}{
		{"/", place{endpoint: atNowhere}},
		{"/v2x/", place{endpoint: atNowhere}},
		{"/v2", place{endpoint: atBase}},
		{"/v2/", place{endpoint: atBase}},
		{"/v2/_catalog", place{endpoint: atCatalog}},
		{"/v2/nonsense", place{endpoint: atUnknown}},
		{"/v2/manifests/v1", place{endpoint: atUnknown}},
		{"/v2/a/tags/list", place{atTags, "a", ""}},
		{"/v2/a/tags/other", place{endpoint: atUnknown}},
		{"/v2/a/b/manifests/v1", place{atManifest, "a/b", "v1"}},
		{"/v2/a/blobs/sha256:0", place{atBlob, "a", "sha256:0"}},
		{"/v2/a/referrers/sha256:0", place{atReferrers, "a", "sha256:0"}},
		{"/v2/a/blobs/uploads", place{atUploads, "a", ""}},
		{"/v2/a/blobs/uploads/", place{atUploads, "a", ""}},
		{"/v2/a/blobs/uploads/1", place{atUpload, "a", "1"}},
		{"/v2/blobs/uploads/1", place{endpoint: atUnknown}},
		{"/v2/a/uploads/1", place{endpoint: atUnknown}},
		// The words of the API are names too.
		{"/v2/a/manifests/tags/list", place{atTags, "a/manifests", ""}},
		{"/v2/blobs/manifests/blobs", place{atManifest, "blobs", "blobs"}},
		{"/v2/a/blobs/uploads/manifests/v1", place{atManifest, "a/blobs/uploads", "v1"}},
		{"/v2/a/blobs/../../../etc/passwd", place{endpoint: atUnknown}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, locate(tt.path), cmp.AllowUnexported(place{})); diff != "" {
			t.Errorf("locate(%q) (-want +got):\n%s", tt.path, diff)
		}
	}
}
