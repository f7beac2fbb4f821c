package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// A registry that is spoken to by plain HTTP may insist on TLS: it is the same registry.
func TestRegistryThatInsistsOnTLS(t *testing.T) {
	var got atomic.Int64
	secure := httptest.NewTLSServer(secret.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got.Add(n)
		w.Header().Set("Location", "/v2/a/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
	})))
	t.Cleanup(secure.Close)
	plain := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	client := newClient(t, "registry.localhost", Options{Keychain: secret})
	client.transport.TLSClientConfig.InsecureSkipVerify = true
	client.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		servers := map[string]*httptest.Server{"registry.localhost:80": plain, "registry.localhost:443": secure}
		return (&net.Dialer{}).DialContext(ctx, network, servers[address].Listener.Addr().String())
	}
	content := []byte("content")
	if err := client.push(t.Context(), content); err != nil {
		t.Error(err)
	}
	if got := got.Load(); got != int64(len(content)) {
		t.Errorf("%d bytes arrived, want %d", got, len(content))
	}
}

func TestTokenServerThatHasMoved(t *testing.T) {
	var leaked atomic.Int64
	answer := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"token":"x"}`) }
	stranger := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
		answer(w, r)
	})
	// Its new address is the registry's own server, and asks for the password there.
	moved := secret.Guard(http.HandlerFunc(answer))
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

func TestSameHost(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"https://registry.example.com", "https://registry.example.com:443/v2/", true},
		{"https://registry.example.com", "https://REGISTRY.example.com/v2/", true},
		{"https://registry.example.com", "http://registry.example.com/v2/", false},
		{"https://registry.example.com", "https://registry.example.com:5000/v2/", false},
		{"https://registry.example.com", "https://registry.example.com.evil.org/", false},
		{"https://registry.example.com", "https://registry.example.com@evil.org/", false},
		{"http://[::1]:5000", "http://[::1]:5000/v2/", true},
	}
	for _, tt := range tests {
		a, errA := url.Parse(tt.a)
		b, errB := url.Parse(tt.b)
		if got := sameHost(a, b); errA != nil || errB != nil || got != tt.want {
			t.Errorf("sameHost(%s, %s) = %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}

// A redirect that says nowhere to is not followed to where it came from, again and again.
func TestARedirectWithoutALocation(t *testing.T) {
	var requests atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusFound)
	}), Options{})
	if _, err := client.Tags(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "without a usable Location") || requests.Load() != 1 {
		t.Errorf("Tags() = %v after %d requests, want an error that says so after one", err, requests.Load())
	}
}
