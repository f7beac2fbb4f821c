package conformance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The demonstration's private registry is one that is pushed to: all of it passes but deleting,
// which it says that it does not do.
func TestDemo(t *testing.T) {
	t.Parallel()
	host := run(t, `^  pgrelocate load .* --registry ([^/]+)/`, "demo", "--keep")[0]
	found := suite(t, host, map[string]string{
		// Optional in this version of the specification, and done here.
		"API_BLOBS_DIGEST_HEADER": "true", "API_MANIFESTS_DIGEST_HEADER": "true", "API_BLOBS_UPLOAD_CANCEL": "true",
	})
	want := map[string][]string{
		"Pass": {
			"Tag listing", "Blob upload cancel", "Blob push", "Blob post only", "Blob post put", "Blob chunked", "Blob streaming",
			"Blob mount", "Blob anonymous mount", "Blob get", "Blob get range", "Blob head",
			"Manifest put by digest", "Manifest put by tag", "Manifest put with subject",
			"Manifest get by digest", "Manifest get by tag", "Manifest head by digest", "Manifest head by tag",
			"Referrers", "Ping",
			"Artifact", "Artifact Index", "Artifact without Layers", "Artifacts with Subject", "Bad Digest Image",
			"Blobs sha256", "Blobs sha512", "Custom Fields", "Data Field", "Empty Index", "Image", "Image Uncompressed",
			"Index", "Index with Subject", "Invalid Manifest Digest", "Image with Large Manifest", "Missing Subject",
			"Nested Index", "No Layers", "Non-distributable Layers", "Digest Algorithm sha512",
		},
		"Skip": {
			"Tag delete", "Tag delete atomic", "Blob delete", "Blob delete atomic", "Manifest delete", "Manifest delete atomic",
		},
		"Disabled": {"Manifest put with tag params", "Sparse Manifests", "Tag Param", "Tag Param sha512"},
	}
	if diff := cmp.Diff(want, found.kinds); diff != "" {
		t.Errorf("what passed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"blob-delete", "delete", "manifest-delete", "tag-delete"}, found.skipped); diff != "" {
		t.Errorf("what the registry says that it does not do (-want +got):\n%s", diff)
	}
}
