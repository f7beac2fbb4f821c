package remote

import (
	"net/http"
	"testing"
)

// A registry that takes a blob for whole before it has got it may have had it already. Where it has not,
// it is not believed.
func TestBlobThatIsTakenTooEarly(t *testing.T) {
	content := make([]byte, 32<<20) // more than any socket takes
	for _, has := range []bool{false, true} {
		uploads := &takesUploads{put: func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusCreated)
			return true
		}}
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead {
				uploads.ServeHTTP(w, r)
			} else if !has {
				w.WriteHeader(http.StatusNotFound)
			} else {
				w.Header().Set("Content-Length", "33554432")
			}
		}), Options{})
		_, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false)
		if (err == nil) != has {
			t.Errorf("PushBlob() = %v where the registry has the blob: %v", err, has)
		}
	}
}
