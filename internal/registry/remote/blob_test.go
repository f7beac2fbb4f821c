package remote

import (
	"context"
	"net/http"
	"testing"
)

func TestHasBlob(t *testing.T) {
	tests := map[int]bool{
		http.StatusOK: true, http.StatusMovedPermanently: true, http.StatusFound: true, http.StatusSeeOther: true,
		http.StatusTemporaryRedirect: true, http.StatusPermanentRedirect: true,
		http.StatusNotFound: false, http.StatusMethodNotAllowed: false,
	}
	for code, want := range tests {
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://store.invalid/blob")
			w.WriteHeader(code)
		}), Options{})
		got, err := client.HasBlob(context.Background(), "a", blobOf(t, nil))
		if err != nil || got != want {
			t.Errorf("HasBlob() = %t, %v where the registry says %d, want %t", got, err, code, want)
		}
	}
}
