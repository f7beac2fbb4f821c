package checkup

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/proxies"
)

// What could be done about what is found on the way to a registry.
const (
	// LookUp: the name, or who looks names up.
	LookUp finding.Remedy = "name"
	// LogIn: there is no login, or it does not last.
	LogIn finding.Remedy = "login"
)

func (e *examination) reach() []finding.Probe {
	return []finding.Probe{
		{Name: "name", Look: e.lookUp},
		{Name: "proxy", Look: e.proxy},
		{Name: "contact", Look: e.contact},
	}
}

// proxyURL is the proxy that requests to the registry go through; nil for none.
func (e *examination) proxyURL() (*url.URL, error) {
	scheme := "https"
	if seen := e.Recorder.from(e.Client.Host()); len(seen) > 0 {
		scheme = seen[0].Scheme
	}
	return e.Proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: e.Client.Host(), Path: "/v2/"}})
}

func (e *examination) lookUp(ctx context.Context) finding.Finding {
	host := e.Client.Host()
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil {
		return finding.Okf("%s is an address, which needs no looking up", host)
	}
	if proxy, err := e.proxyURL(); err == nil && proxy != nil {
		return finding.Skipf("the proxy %s looks the name up", proxy.Host)
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return finding.Failf(LookUp, "there is no host %s, says the name server", host)
	case err != nil:
		return finding.Failf(LookUp, "looking up %s: %v", host, err)
	}
	slices.Sort(addresses)
	return finding.Okf("%s is %s", host, strings.Join(addresses[:min(3, len(addresses))], ", "))
}

func (e *examination) proxy(context.Context) finding.Finding {
	var unreadable *registry.ProxyError
	proxy, err := e.proxyURL()
	switch {
	case errors.As(err, &unreadable):
		return finding.Failf("proxy", "%v", unreadable)
	case err != nil: // which may repeat a password
		return finding.Failf("proxy", "the environment names a proxy that is no address")
	case proxy != nil:
		return finding.Okf("requests go through the proxy %s", proxy.Host)
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := os.Getenv(name)
		if value != "" && !proxies.Valid(value) {
			return finding.Failf("proxy", "%s names a proxy that is no address; this registry is exempt from it", name)
		}
		if value != "" {
			return finding.Okf("%s names a proxy, and this registry is exempt from it", name)
		}
	}
	return finding.Okf("the environment names none")
}

// contact sends the first request. What the registry says of a login is another matter.
func (e *examination) contact(ctx context.Context) finding.Finding {
	err := e.Client.Ping(ctx)
	switch {
	case err == nil:
		return finding.Okf("%s answers as a registry", e.Client.Host())
	case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrForbidden), errors.Is(err, registry.ErrExpired):
		e.broken = "the registry refuses the login"
		if e.Client.Transport().Standing().Anonymous {
			e.broken = "the registry wants a login"
		}
		found := finding.Failure(err)
		found.Says = "the registry answers: " + essence(err)
		return found
	}
	e.broken = "the registry cannot be used"
	found := finding.Failure(err)
	found.Says = essence(err)
	if says := ofCertificate(err, e.Now()); says != "" {
		found.Says = says
	}
	return found
}

// essence is what a registry's error says without which registry it was.
func essence(err error) string {
	var failed *registry.Error
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}
