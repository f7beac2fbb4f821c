package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLocate(t *testing.T) {
	tests := []struct {
		path string
		want route
	}{
		{"/", route{endpoint: atNowhere}},
		{"/v2x/", route{endpoint: atNowhere}},
		{"/v2", route{endpoint: atBase}},
		{"/v2/", route{endpoint: atBase}},
		{"/v2/_catalog", route{endpoint: atCatalog}},
		{"/v2/nonsense", route{endpoint: atUnknown}},
		{"/v2/manifests/v1", route{endpoint: atUnknown}},
		{"/v2/a/tags/list", route{atTags, "a", ""}},
		{"/v2/a/tags/other", route{endpoint: atUnknown}},
		{"/v2/a/b/manifests/v1", route{atManifest, "a/b", "v1"}},
		{"/v2/a/blobs/sha256:0", route{atBlob, "a", "sha256:0"}},
		{"/v2/a/referrers/sha256:0", route{atReferrers, "a", "sha256:0"}},
		{"/v2/a/blobs/uploads", route{atUploads, "a", ""}},
		{"/v2/a/blobs/uploads/", route{atUploads, "a", ""}},
		{"/v2/a/blobs/uploads/1", route{atUpload, "a", "1"}},
		{"/v2/blobs/uploads/1", route{endpoint: atUnknown}},
		{"/v2/a/uploads/1", route{endpoint: atUnknown}},
		// The words of the API are names too.
		{"/v2/a/manifests/tags/list", route{atTags, "a/manifests", ""}},
		{"/v2/blobs/manifests/blobs", route{atManifest, "blobs", "blobs"}},
		{"/v2/a/blobs/uploads/manifests/v1", route{atManifest, "a/blobs/uploads", "v1"}},
		{"/v2/a/blobs/../../../etc/passwd", route{endpoint: atUnknown}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, locate(tt.path), cmp.AllowUnexported(route{})); diff != "" {
			t.Errorf("locate(%q) (-want +got):\n%s", tt.path, diff)
		}
	}
}
