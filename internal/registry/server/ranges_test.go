package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

// onlyBlob is content that has one blob and counts how often that is opened.
type onlyBlob struct {
	server.Content
	blob   string
	opened int
}

func (o *onlyBlob) Stat(_ context.Context, _ string, digest v1.Hash) (v1.Descriptor, error) {
	return v1.Descriptor{Digest: digest, Size: int64(len(o.blob))}, nil
}

func (o *onlyBlob) Blob(_ context.Context, _ string, _ v1.Descriptor, from, to int64) (registry.Content, error) {
	o.opened++
	return registry.Content{ReadCloser: io.NopCloser(strings.NewReader(o.blob[from:to]))}, nil
}

// A few ranges are served, and a multitude is refused before the blob is opened once.
func TestRangesAreLimited(t *testing.T) {
	tests := []struct{ ranges, status int }{
		{1, http.StatusPartialContent},
		{16, http.StatusPartialContent},
		{17, http.StatusRequestedRangeNotSatisfiable},
		{200_000, http.StatusRequestedRangeNotSatisfiable},
	}
	for _, tt := range tests {
		content := &onlyBlob{blob: strings.Repeat("0123456789", 100)}
		var ranges []string
		for i := range tt.ranges {
			ranges = append(ranges, fmt.Sprintf("%d-%d", i%900, i%900+1))
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/a/blobs/sha256:"+strings.Repeat("0", 64), nil)
		r.Header.Set("Range", "bytes="+strings.Join(ranges, ","))
		w := httptest.NewRecorder()
		server.New(content).ServeHTTP(w, r)
		if w.Code != tt.status || content.opened > 16 || tt.status >= 400 && content.opened > 0 {
			t.Errorf("GET with %d ranges = %d and the blob was opened %d times, want %d", tt.ranges, w.Code, content.opened, tt.status)
		}
		if tt.status >= 400 && w.Header().Get("Content-Range") != "bytes */1000" {
			t.Errorf("GET with %d ranges: Content-Range = %q, want the blob's size", tt.ranges, w.Header().Get("Content-Range"))
		}
	}
}
