package proxies

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// What leads to a registry is tested with clients, in package transport.

func TestValid(t *testing.T) {
	for proxy, want := range map[string]bool{
		"proxy:3128": true, "proxy": true, "http://robot:pa55word@proxy": true, "https://proxy/": true,
		"socks5://127.0.0.1:1": true, "[::1]:3128": true,
		"nonsense://robot:pa55word@proxy": false, "http://[::1": false, "http://": false, "::::": false, "ftp://proxy": false,
	} {
		if got := Valid(proxy); got != want {
			t.Errorf("Valid(%q) = %t, want %t", proxy, got, want)
		}
	}
}

// Only who would have gone through a proxy that cannot be read hears of it, and of no password.
func TestFromEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("http_proxy", "proxy:3128")
	t.Setenv("HTTPS_PROXY", "nonsense://robot:pa55word@proxy")
	t.Setenv("NO_PROXY", "exempt.example.com")
	for address, want := range map[string]string{
		"http://registry.example.com/v2/": "http://proxy:3128", "http://exempt.example.com/v2/": "", "https://exempt.example.com/v2/": "",
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		got, err := FromEnvironment()(req)
		if err != nil || got == nil && want != "" || got != nil && got.String() != want {
			t.Errorf("the proxy for %s = %v, %v, want %q", address, got, err, want)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example.com/v2/", nil)
	_, err := FromEnvironment()(req)
	var unreadable *registry.ProxyError
	if !errors.As(err, &unreadable) || unreadable.Variable != "HTTPS_PROXY" || unreadable.Problem != registry.ProxyUnreadable || strings.Contains(err.Error(), "pa55") {
		t.Errorf("the proxy for https = %v, want that HTTPS_PROXY cannot be read", err)
	}
}
