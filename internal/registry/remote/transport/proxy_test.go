package transport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// throughProxy asks a registry that only the proxy could reach.
func throughProxy(t *testing.T, host, variable, proxy string) error {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv(variable, proxy)
	client := newClient(t, host, Options{PlainHTTP: variable == "HTTP_PROXY", RetryTimeout: 200 * time.Millisecond})
	_, err := client.Tags(t.Context(), "a")
	return err
}

// wantProxyError wants an error that names the variable, says what is wrong, and tells no password.
func wantProxyError(t *testing.T, err error, variable string, problem registry.ProxyProblem, words string) {
	t.Helper()
	var proxy *registry.ProxyError
	if !errors.As(err, &proxy) || proxy.Variable != variable || proxy.Problem != problem {
		t.Fatalf("asking through %s = %v, want a ProxyError (%d)", variable, err, problem)
	}
	if text := err.Error(); !strings.Contains(text, variable) || !strings.Contains(text, words) || strings.Contains(text, "pa55") || strings.Contains(text, "<") {
		t.Errorf("asking through %s = %q, want it to name the variable and say %q, and no password or page", variable, text, words)
	}
}

func TestProxiesThatDoNotLetThrough(t *testing.T) {
	tests := []struct {
		status  int
		problem registry.ProxyProblem
		words   string
	}{
		{http.StatusProxyAuthRequired, registry.ProxyRefuses, "says 407 Proxy Authentication Required"},
		{http.StatusForbidden, registry.ProxyRefuses, "says 403 Forbidden"},
		{http.StatusBadGateway, registry.ProxyFails, "says 502 Bad Gateway"},
	}
	for _, tt := range tests {
		asked := 0
		server := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, "<html><body>no way</body></html>")
		})
		proxy := server.Listener.Addr().String()
		err := throughProxy(t, "registry.example.com", "HTTPS_PROXY", "http://robot:pa55word@"+proxy)
		wantProxyError(t, err, "HTTPS_PROXY", tt.problem, "the proxy "+proxy+" of HTTPS_PROXY "+tt.words)
		if refused := tt.problem == registry.ProxyRefuses; refused != (asked == 1) {
			t.Errorf("%d: asked %d times", tt.status, asked)
		}
		if tt.status == http.StatusProxyAuthRequired { // without TLS it passes for the registry's answer
			err := throughProxy(t, "registry.example.com", "HTTP_PROXY", "http://robot:pa55word@"+proxy)
			wantProxyError(t, err, "HTTP_PROXY", tt.problem, tt.words)
		}
	}
}

func TestProxiesThatAreAway(t *testing.T) {
	server := registrytest.Serve(t, func(http.ResponseWriter, *http.Request) {})
	address := server.Listener.Addr().String()
	server.Close()
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY"} {
		err := throughProxy(t, "registry.example.com", variable, "http://robot:pa55word@"+address)
		wantProxyError(t, err, variable, registry.ProxyFails, "the proxy "+address+" of "+variable+": dial tcp "+address)
	}
}

func TestProxiesThatCannotBeRead(t *testing.T) {
	for _, proxy := range []string{"nonsense://robot:pa55word@proxy", "http://[::1", "http://", "::::", "http://robot:pa55 word@[x", "ftp://proxy"} {
		err := throughProxy(t, "registry.example.com", "HTTPS_PROXY", proxy)
		wantProxyError(t, err, "HTTPS_PROXY", registry.ProxyUnreadable, "HTTPS_PROXY names a proxy that is no address")
	}
}

// Who goes past the proxy does not care whether it can be read.
func TestProxiesThatAreNotUsed(t *testing.T) {
	server := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"tags":[]}`) })
	if err := throughProxy(t, server.Listener.Addr().String(), "HTTP_PROXY", "http://[::1"); err != nil {
		t.Errorf("asking a registry on this machine = %v, want no error", err)
	}
}
