package remote

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// Referrers come page by page; what the last page lacks is not left out.
func TestReferrersPageByPage(t *testing.T) {
	const pages = 5
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		if page+1 < pages {
			w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, r.URL.Path, page+1))
		}
		w.Header().Set("Content-Type", string(types.OCIImageIndex))
		fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"size":2,"digest":"sha256:%064d"}]}`, types.OCIManifestSchema1, page)
	}), Options{})
	found, err := client.Referrers(t.Context(), "a", v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)})
	if err != nil || len(found) != pages {
		t.Errorf("Referrers() = %d, %v, want those of all %d pages", len(found), err, pages)
	}
}

// More tags than any repository has are an error, and no memory.
func TestTooManyTags(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"tags":["v1"%s]}`, strings.Repeat(`,"v1"`, mostTags))
	}), Options{})
	if _, err := client.Tags(t.Context(), "a"); !errors.Is(err, jsonlimit.ErrLimit) {
		t.Errorf("Tags() = %v, want ErrLimit", err)
	}
}

// What answers 200 and no listing, an error of a proxy or nothing at all, has not said that there are no
// tags, and so no signatures.
func TestNoListingIsNotAnEmptyOne(t *testing.T) {
	for body, listing := range map[string]bool{
		`{"name":"a","tags":null}`: true, `{"name":"a"}`: true, `{"tags":[]}`: true,
		`{}`: false, `{"errors":[{"code":"UNKNOWN"}]}`: false, `{"status":"ok"}`: false,
	} {
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), Options{})
		if tags, err := client.Tags(t.Context(), "a"); (err == nil) != listing || len(tags) > 0 {
			t.Errorf("Tags() of %s = %q, %v, want an error: %t", body, tags, err, !listing)
		}
	}
}
