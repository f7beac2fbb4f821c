package remote

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// A listing that leads back to a page that has been read has no end: it is an error, and at once.
func TestListingsThatGoInCircles(t *testing.T) {
	for _, links := range [][]string{
		{`</v2/a/tags/list>; rel="next"`},
		{`<?last=1>; rel="next"`, `</v2/a/tags/list?last=2>; rel=next`, `</v2/a/tags/list?last=1>; rel=next`},
	} {
		var asked atomic.Int64
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n := int(asked.Add(1)) - 1
			w.Header().Set("Link", links[n%len(links)])
			fmt.Fprintf(w, `{"tags":["%d"]}`, n)
		}), Options{})
		_, err := client.Tags(t.Context(), "a")
		if err == nil || !strings.Contains(err.Error(), "does not end") {
			t.Errorf("Tags() = %v with the links %q, want that the listing does not end", err, links)
		}
		if got := int(asked.Load()); got != len(links) {
			t.Errorf("%d pages were asked for with the links %q, want %d", got, links, len(links))
		}
	}
}

// The next page is the registry's, whatever host the link names, which may be the one that the
// registry has behind a proxy: nobody else is asked, with our credentials or without them.
func TestNextPageStaysAtTheRegistry(t *testing.T) {
	var strangers atomic.Int64
	stranger := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		strangers.Add(1)
		fmt.Fprint(w, `{"tags":["stolen"]}`)
	})
	client := tokenClient(t, secret.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("last") != "" {
			fmt.Fprint(w, `{"tags":["2"]}`)
			return
		}
		w.Header().Set("Link", `<`+stranger.URL+`/v2/a/tags/list?last=1>; rel="next"`)
		fmt.Fprint(w, `{"tags":["1"]}`)
	})), Options{Keychain: secret})
	tags, err := client.Tags(t.Context(), "a")
	if err != nil || strings.Join(tags, " ") != "1 2" || strangers.Load() != 0 {
		t.Errorf("Tags() = %q, %v, with %d requests to a stranger, want both pages of the registry and none", tags, err, strangers.Load())
	}
}

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
