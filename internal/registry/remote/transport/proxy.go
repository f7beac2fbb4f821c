package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// ProxyFunc tells which proxy a request goes through; nil is none.
type ProxyFunc func(*http.Request) (*url.URL, error)

// EnvironmentsProxy is the proxy that the environment names, as http.ProxyFromEnvironment has it. But
// where that takes a proxy that it cannot read for none, or for a host called "http", this fails with a
// registry.ProxyError, for whoever names one does not want to go without.
func EnvironmentsProxy() ProxyFunc {
	config := httpproxy.FromEnvironment()
	unreadable := map[string]bool{}
	for scheme, value := range map[string]*string{"http": &config.HTTPProxy, "https": &config.HTTPSProxy} {
		if *value != "" && !IsProxy(*value) {
			unreadable[scheme], *value = true, "http://unreadable.invalid"
		}
	}
	find := config.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) {
		proxy, err := find(req.URL)
		if err == nil && proxy != nil && unreadable[req.URL.Scheme] {
			name := ProxyVariable(req.URL.Scheme)
			return nil, &registry.ProxyError{Variable: name, Problem: registry.ProxyUnreadable, Err: fmt.Errorf("%s names a proxy that is no address", name)}
		}
		return proxy, err
	}
}

// IsProxy tells whether what a variable holds is a proxy that requests can go through.
func IsProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	proxy, err := url.Parse(value)
	return err == nil && proxy.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme)
}

// ProxyVariable is the variable of the environment that names the proxy for a scheme.
func ProxyVariable(scheme string) string {
	name := strings.ToUpper(scheme) + "_PROXY"
	if lower := strings.ToLower(name); os.Getenv(name) == "" && os.Getenv(lower) != "" {
		return lower
	}
	return name
}

// refusedByProxy tells what a proxy says to a CONNECT, which leads to a server with TLS. What it refuses
// it refuses again, with a password too, and too many wrong ones lock accounts.
func refusedByProxy(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return proxySays(proxy, "https", answer.StatusCode)
}

func proxySays(proxy *url.URL, scheme string, code int) error {
	name, problem := ProxyVariable(scheme), registry.ProxyRefuses
	if (&StatusError{Code: code}).Passing() {
		problem = registry.ProxyFails
	}
	return &registry.ProxyError{Variable: name, Problem: problem, Err: fmt.Errorf("the proxy %s of %s says %d %s", proxy.Host, name, code, http.StatusText(code))}
}

// proxyOf is an error of a connection as one of the proxy that it was to lead to; nil where it was not.
func (c *Client) proxyOf(req *http.Request, err error) error {
	var known *registry.ProxyError
	if errors.As(err, &known) {
		return known
	}
	var failed *net.OpError
	if !errors.As(err, &failed) || failed.Op != "proxyconnect" {
		return nil
	}
	host, name := "", ProxyVariable(req.URL.Scheme)
	if proxy, err := c.transport.Proxy(req); err == nil && proxy != nil {
		host = proxy.Host + " "
	}
	return &registry.ProxyError{Variable: name, Problem: registry.ProxyFails, Err: fmt.Errorf("the proxy %sof %s: %w", host, name, failed.Err)}
}

// fromProxy is a refusal that only a proxy gives, which has passed for the answer of a server without TLS.
func (c *Client) fromProxy(status *StatusError, req *http.Request) error {
	if status.Code != http.StatusProxyAuthRequired {
		return status
	}
	if proxy, err := c.transport.Proxy(req); err == nil && proxy != nil {
		return proxySays(proxy, req.URL.Scheme, status.Code)
	}
	return status
}
