package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// A server that the registry points to may ask for credentials; it does not get them, nor
// may it name the token server.
func TestStrangersLearnNoCredentials(t *testing.T) {
	var leaked atomic.Int64
	note := func(r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
	}
	tokens := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		note(r)
		fmt.Fprint(w, `{"token":"x"}`)
	})
	for _, challenge := range []string{`Bearer realm="` + tokens.URL + `"`, `Basic realm="x"`} {
		stranger := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
			note(r)
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
		})
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			note(r)
			switch {
			case r.Method == http.MethodPost:
				w.Header().Set("Location", stranger.URL+"/upload")
				w.WriteHeader(http.StatusAccepted)
			case strings.Contains(r.URL.Path, "/blobs/"):
				http.Redirect(w, r, stranger.URL+"/blob", http.StatusTemporaryRedirect)
			default:
				fmt.Fprint(w, `{"tags":[]}`)
			}
		}), Options{Keychain: secret})
		content := []byte("content")
		if _, err := client.Blob(context.Background(), "a", blobOf(t, content), 0, int64(len(content))); !errors.Is(err, registry.ErrUnauthorized) {
			t.Errorf("Blob() = %v, want ErrUnauthorized", err)
		}
		if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); !errors.Is(err, registry.ErrUnauthorized) {
			t.Errorf("PushBlob() = %v, want ErrUnauthorized", err)
		}
		if _, err := client.Tags(context.Background(), "a"); err != nil {
			t.Errorf("Tags() = %v after a stranger's refusal, want no error", err)
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("%d requests carried credentials that the registry itself has never asked for", leaked.Load())
	}
}

func TestAddressesStayOutOfErrors(t *testing.T) {
	var where atomic.Value
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/tags/") {
			w.Header().Set("Link", `<http://[::1?signature=very-secret>; rel="next"`)
			fmt.Fprint(w, `{"tags":[]}`)
			return
		}
		w.Header().Set("Location", where.Load().(string))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}), Options{RetryTimeout: time.Second})
	if _, err := client.Tags(context.Background(), "a"); err == nil || strings.Contains(err.Error(), "very-secret") {
		t.Errorf("the error is %v, want one without the address", err)
	}
	content := []byte("content")
	for _, address := range []string{
		"http://user:very-secret@127.0.0.1:1/x?signature=very-secret", "http://[::1?signature=very-secret",
		"ftp://example.com/?signature=very-secret", "http://registry.invalid/?signature=very-secret",
	} {
		where.Store(address)
		_, err := client.Blob(context.Background(), "a", blobOf(t, content), 0, int64(len(content)))
		if err == nil || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("the error is %v, want one without the address", err)
		}
	}
}

// Where the registry points to somebody who lets nobody in, the error says who that was: a login at
// the registry would change nothing.
func TestRefusedElsewhere(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		stranger := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		client := tokenClient(t, http.RedirectHandler(stranger.URL+"/blob?signature=very-secret", http.StatusTemporaryRedirect), Options{Keychain: secret})
		content := []byte("content")
		_, err := client.Blob(t.Context(), "a", blobOf(t, content), 0, int64(len(content)))
		var access *registry.AccessError
		if !errors.As(err, &access) || access.Elsewhere != stranger.Listener.Addr().String() || !strings.Contains(err.Error(), "by "+access.Elsewhere) || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("Blob() = %v, want that %s refused", err, stranger.Listener.Addr())
		}
	}
}
