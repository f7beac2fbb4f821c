package registrytest

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct {
		method, path string
		want         Request
	}{
		{"GET", "/v2/", Request{Kind: Ping}},
		{"GET", "/v2", Request{Kind: Ping}},
		{"GET", "/token?service=a&scope=repository:x:pull", Request{Kind: Token}},
		{"POST", "/v1/oauth2/token", Request{Kind: Token}},
		{"GET", "/v2/a/manifests/v1", Request{GetManifest, "a", "v1"}},
		{"HEAD", "/v2/a/b/c/manifests/" + digest, Request{HeadManifest, "a/b/c", digest}},
		{"PUT", "/v2/a/b/manifests/v1", Request{PutManifest, "a/b", "v1"}},
		{"DELETE", "/v2/a/b/manifests/v1", Request{Kind: Other}},
		{"GET", "/v2/a/blobs/" + digest, Request{GetBlob, "a", digest}},
		{"HEAD", "/v2/a/blobs/" + digest, Request{HeadBlob, "a", digest}},
		{"POST", "/v2/a/blobs/uploads/", Request{Kind: StartUpload, Repository: "a"}},
		{"POST", "/v2/a/blobs/uploads", Request{Kind: StartUpload, Repository: "a"}},
		{"POST", "/v2/a/blobs/uploads/?digest=" + digest, Request{Kind: StartUpload, Repository: "a"}},
		{"POST", "/v2/a/blobs/uploads/?mount=" + digest + "&from=b", Request{Kind: Mount, Repository: "a"}},
		{"PATCH", "/v2/a/b/blobs/uploads/0-1?_state=x", Request{PatchUpload, "a/b", "0-1"}},
		{"PUT", "/v2/a/blobs/uploads/0-1?digest=" + digest, Request{PutUpload, "a", "0-1"}},
		{"GET", "/v2/a/blobs/uploads/0-1", Request{GetUpload, "a", "0-1"}},
		{"DELETE", "/v2/a/blobs/uploads/0-1", Request{CancelUpload, "a", "0-1"}},
		{"GET", "/v2/a/tags/list?n=100", Request{ListTags, "a", "list"}},
		{"GET", "/v2/a/referrers/" + digest, Request{GetReferrers, "a", digest}},
		{"GET", "/v2/_catalog", Request{Kind: Other}},
		// Repositories that are named after the protocol's own words.
		{"GET", "/v2/blobs/manifests/manifests/v1", Request{GetManifest, "blobs/manifests", "v1"}},
		{"POST", "/v2/a/blobs/uploads/blobs/uploads/", Request{Kind: StartUpload, Repository: "a/blobs/uploads"}},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(""))
		if got := Classify(r); got != tt.want {
			t.Errorf("Classify(%s %s) = %+v, want %+v", tt.method, tt.path, got, tt.want)
		}
	}
}
