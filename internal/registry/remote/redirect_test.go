package remote

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// The opening of an upload may be sent elsewhere at the same registry.
func TestUploadThatOpensElsewhere(t *testing.T) {
	content := []byte("content")
	for _, code := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		uploads := &takesUploads{}
		client := tokenClient(t, secret.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/v2/moved/") {
				http.Redirect(w, r, "/v2/moved/?"+r.URL.RawQuery, code)
				return
			}
			uploads.ServeHTTP(w, r)
		})), Options{Keychain: secret})
		if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
			t.Errorf("PushBlob() = %v where the registry answers %d, want no error", err, code)
		}
		if got := uploads.got.Load(); got != int64(len(content)) {
			t.Errorf("%d bytes arrived, want %d", got, len(content))
		}
	}
}

// Only what asks for the same method again may be sent again as it is.
func TestUploadThatIsSentToAPage(t *testing.T) {
	content := []byte("content")
	client := tokenClient(t, http.RedirectHandler("/login", http.StatusFound), Options{})
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("PushBlob() = %v, want the registry's 302", err)
	}
}

func TestUploadSentToAStranger(t *testing.T) {
	var asked, leaked atomic.Int64
	content := []byte("content")
	uploads := &takesUploads{}
	stranger := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
		uploads.ServeHTTP(w, r)
	})
	client := tokenClient(t, secret.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	})), Options{Keychain: secret})
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Error(err)
	}
	if asked.Load() == 0 || leaked.Load() != 0 {
		t.Errorf("the stranger was asked %d times and saw %d credentials, want none", asked.Load(), leaked.Load())
	}
}

// A registry behind a proxy that ends TLS names itself by the port of plain HTTP.
func TestLocationOnTheOtherSchemesPort(t *testing.T) {
	for location, want := range map[string]string{
		"http://registry.example.com:80/v2/u":    "https://registry.example.com/v2/u",
		"http://registry.example.com/v2/u":       "https://registry.example.com/v2/u",
		"https://registry.example.com:443/v2/u":  "https://registry.example.com:443/v2/u",
		"/v2/u":                                  "https://registry.example.com/v2/u",
		"http://registry.example.com:5000/v2/u":  "",
		"http://store.example.com:80/v2/u":       "",
		"https://store.example.com/v2/u?sig=abc": "https://store.example.com/v2/u?sig=abc",
	} {
		client := newClient(t, "registry.example.com", Options{})
		at, _ := url.Parse("https://registry.example.com/v2/a/blobs/uploads/")
		resp := &transport.Response{Response: &http.Response{
			Header: http.Header{"Location": {location}}, Request: &http.Request{URL: at},
		}}
		got, err := client.transport.Location(resp)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("location(%s) = %v, %v, want %q", location, got, err, want)
		}
	}
}
