package remote

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// guarded lets in who knows the password.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != secret.Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// The opening of an upload may be sent elsewhere at the same registry.
func TestUploadThatOpensElsewhere(t *testing.T) {
	content := []byte("content")
	for _, code := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		uploads := &takesUploads{}
		client := tokenClient(t, guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/v2/moved/") {
				http.Redirect(w, r, "/v2/moved/?"+r.URL.RawQuery, code)
				return
			}
			uploads.ServeHTTP(w, r)
		})), Options{Keychain: secret})
		if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content)); err != nil {
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
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content)); err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("PushBlob() = %v, want the registry's 302", err)
	}
}

func TestUploadSentToAStranger(t *testing.T) {
	var asked, leaked atomic.Int64
	content := []byte("content")
	uploads := &takesUploads{}
	stranger := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
		uploads.ServeHTTP(w, r)
	})
	client := tokenClient(t, guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	})), Options{Keychain: secret})
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content)); err != nil {
		t.Error(err)
	}
	if asked.Load() == 0 || leaked.Load() != 0 {
		t.Errorf("the stranger was asked %d times and saw %d credentials, want none", asked.Load(), leaked.Load())
	}
}

// A registry that is spoken to by plain HTTP may insist on TLS: it is the same registry.
func TestRegistryThatInsistsOnTLS(t *testing.T) {
	uploads := &takesUploads{}
	secure := httptest.NewTLSServer(guarded(uploads))
	t.Cleanup(secure.Close)
	plain := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	client := newClient(t, "registry.localhost", Options{Keychain: secret})
	client.transport.TLSClientConfig.InsecureSkipVerify = true
	client.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		servers := map[string]*httptest.Server{"registry.localhost:80": plain, "registry.localhost:443": secure}
		return (&net.Dialer{}).DialContext(ctx, network, servers[address].Listener.Addr().String())
	}
	content := []byte("content")
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content)); err != nil {
		t.Error(err)
	}
	if got := uploads.got.Load(); got != int64(len(content)) {
		t.Errorf("%d bytes arrived, want %d", got, len(content))
	}
}

func TestTokenServerThatHasMoved(t *testing.T) {
	var leaked atomic.Int64
	answer := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"token":"x"}`) }
	stranger := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
		answer(w, r)
	})
	// Its new address is the registry's own server, and asks for the password there.
	moved := guarded(http.HandlerFunc(answer))
	for _, to := range []string{"", stranger.URL} {
		client := tokenClient(t, challenging(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Query().Get("moved") != "":
				moved.ServeHTTP(w, r)
			default:
				http.Redirect(w, r, to+"/token?moved=1&"+r.URL.RawQuery, http.StatusPermanentRedirect)
			}
		}), Options{Keychain: secret})
		if _, err := client.Tags(context.Background(), "a"); err != nil {
			t.Errorf("Tags() = %v with the token server at %q, want no error", err, to)
		}
		if got := client.opts.Traffic.AuthRequests.Load(); got != 2 {
			t.Errorf("%d requests for tokens are counted, want 2", got)
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("%d requests brought the password to another host", leaked.Load())
	}
}

func TestTokenServerThatLeavesTLS(t *testing.T) {
	var asked atomic.Int64
	tokens := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "http://tokens.example.com/token", http.StatusFound)
	}))
	t.Cleanup(tokens.Close)
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+tokens.URL+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	}), Options{Keychain: secret})
	client.transport.TLSClientConfig.InsecureSkipVerify = true
	if _, err := client.Tags(context.Background(), "a"); err == nil || !strings.Contains(err.Error(), "away from TLS") {
		t.Errorf("Tags() = %v, want an error that says so", err)
	}
	if asked.Load() != 1 {
		t.Errorf("the token server was asked %d times, want once", asked.Load())
	}
}

func TestSameServer(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"https://registry.example.com", "https://registry.example.com:443/v2/", true},
		{"http://registry.example.com", "https://registry.example.com/v2/", true},
		{"http://registry.example.com:5000", "https://registry.example.com:5000/v2/", true},
		{"http://registry.example.com", "https://registry.example.com:5000/v2/", false},
		{"http://registry.example.com:5000", "https://registry.example.com/v2/", false},
		{"https://registry.example.com", "http://registry.example.com/v2/", false},
		{"https://registry.example.com:5000", "http://registry.example.com:5000/v2/", false},
		{"http://registry.example.com", "https://registry.example.com.evil.org/", false},
	}
	for _, tt := range tests {
		from, errFrom := url.Parse(tt.from)
		to, errTo := url.Parse(tt.to)
		if got := sameServer(from, to); errFrom != nil || errTo != nil || got != tt.want {
			t.Errorf("sameServer(%s, %s) = %t, want %t", tt.from, tt.to, got, tt.want)
		}
	}
}
