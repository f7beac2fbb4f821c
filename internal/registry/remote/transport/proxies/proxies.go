// Package proxies says which proxy leads to a registry, and what of an error is the proxy's and not the
// registry's. FromEnvironment is what a net/http transport asks.
package proxies

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
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/refusal"
)

// Func tells which proxy a request goes through; nil is none.
type Func func(*http.Request) (*url.URL, error)

// FromEnvironment is the proxy that the environment names, as http.ProxyFromEnvironment has it. But
// where that takes a proxy that it cannot read for none, or for a host called "http", this fails with a
// registry.ProxyError, for whoever names one does not want to go without.
func FromEnvironment() Func {
	config := httpproxy.FromEnvironment()
	unreadable := map[string]bool{}
	for scheme, value := range map[string]*string{"http": &config.HTTPProxy, "https": &config.HTTPSProxy} {
		if *value != "" && !Valid(*value) {
			unreadable[scheme], *value = true, "http://unreadable.invalid"
		}
	}
	find := config.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) {
		proxy, err := find(req.URL)
		if err == nil && proxy != nil && unreadable[req.URL.Scheme] {
			name := variable(req.URL.Scheme)
			return nil, &registry.ProxyError{Variable: name, Problem: registry.ProxyUnreadable, Err: fmt.Errorf("%s names a proxy that is no address", name)}
		}
		return proxy, err
	}
}

// Valid tells whether what a variable holds is a proxy that requests can go through.
func Valid(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	proxy, err := url.Parse(value)
	return err == nil && proxy.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme)
}

// variable is the variable of the environment that names the proxy for a scheme.
func variable(scheme string) string {
	name := strings.ToUpper(scheme) + "_PROXY"
	if lower := strings.ToLower(name); os.Getenv(name) == "" && os.Getenv(lower) != "" {
		return lower
	}
	return name
}

// Connected tells what a proxy says to a CONNECT, which leads to a server with TLS; a net/http transport
// calls it OnProxyConnectResponse. What it refuses it refuses again, with a password too, and too many
// wrong ones lock accounts.
func Connected(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return says(proxy, "https", answer.StatusCode)
}

func says(proxy *url.URL, scheme string, code int) error {
	name, problem := variable(scheme), registry.ProxyRefuses
	if (&refusal.StatusError{Code: code}).Passing() {
		problem = registry.ProxyFails
	}
	return &registry.ProxyError{Variable: name, Problem: problem, Err: fmt.Errorf("the proxy %s of %s says %d %s", proxy.Host, name, code, http.StatusText(code))}
}

// Failure is an error of a connection as one of the proxy that it was to lead to; nil where it was not.
func (find Func) Failure(req *http.Request, err error) error {
	var known *registry.ProxyError
	if errors.As(err, &known) {
		return known
	}
	var failed *net.OpError
	if !errors.As(err, &failed) || failed.Op != "proxyconnect" {
		return nil
	}
	host, name := "", variable(req.URL.Scheme)
	if proxy, err := find(req); err == nil && proxy != nil {
		host = proxy.Host + " "
	}
	return &registry.ProxyError{Variable: name, Problem: registry.ProxyFails, Err: fmt.Errorf("the proxy %sof %s: %w", host, name, failed.Err)}
}

// Refusal is a refusal that only a proxy gives, which has passed for the answer of a server without TLS;
// any other is as it was.
func (find Func) Refusal(req *http.Request, status *refusal.StatusError) error {
	if status.Code != http.StatusProxyAuthRequired {
		return status
	}
	if proxy, err := find(req); err == nil && proxy != nil {
		return says(proxy, req.URL.Scheme, status.Code)
	}
	return status
}
