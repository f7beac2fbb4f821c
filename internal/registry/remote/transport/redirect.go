package transport

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const mostRedirects = 10

// follow sends a request, and again to where its answers point.
func (c *Client) follow(req *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	for range mostRedirects {
		resp, err := send(req)
		if err != nil || !mayFollow(req, resp) {
			return resp, err
		}
		next, err := c.redirected(req, resp)
		drain(resp.Body)
		if err != nil {
			return nil, err
		}
		req = next
	}
	return nil, fmt.Errorf("more than %d redirects", mostRedirects)
}

// Redirects are the statuses that point elsewhere.
var Redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

// mayFollow tells whether an answer points elsewhere, and the request can go there: a read,
// or the opening of an upload, where the answer asks for the same method. A body has been
// used up.
func mayFollow(req *http.Request, resp *http.Response) bool {
	switch {
	case req.Method == http.MethodGet, req.Method == http.MethodHead:
		return slices.Contains(Redirects, resp.StatusCode)
	case req.Method == http.MethodPost && !hasBody(req):
		return resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect
	}
	return false
}

// redirected builds the request to where a registry points, an object store most often.
// Credentials go along to the same server only: a signed address refuses a second
// authorization, and a stranger must not see it.
func (c *Client) redirected(req *http.Request, resp *http.Response) (*http.Request, error) {
	target, err := req.URL.Parse(resp.Header.Get("Location"))
	if err != nil || target.Host == "" || resp.Header.Get("Location") == "" {
		return nil, fmt.Errorf("redirect without a usable Location")
	}
	if target.Scheme != "https" && (req.URL.Scheme == "https" || target.Scheme != "http") && !c.MayUsePlainHTTP(target.Host) {
		return nil, fmt.Errorf("redirect to %s://%s, away from TLS", target.Scheme, target.Host)
	}
	next, err := http.NewRequest(req.Method, target.String(), nil) //nolint:noctx // sendOnce adds the context
	if err != nil {
		return nil, err
	}
	for key, values := range req.Header {
		if key != "Authorization" || sameServer(req.URL, target) {
			next.Header[key] = values
		}
	}
	return next, nil
}

// sameServer tells whether what may be said to one address may be said to another: to the same
// host and port by the same scheme, or by TLS after plain HTTP, each on its own port.
func sameServer(from, to *url.URL) bool {
	if from.Scheme == to.Scheme {
		return sameHost(from, to)
	}
	return from.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(from.Hostname(), to.Hostname()) &&
		(from.Port() == to.Port() || portOf(from) == "80" && portOf(to) == "443")
}

// sameHost compares host and port, which may be left out where it is the scheme's own.
func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

// OnOwnPorts tells whether two addresses name one host, each on the port of its own scheme,
// which may be left out.
func OnOwnPorts(a, b *url.URL) bool {
	own := func(u *url.URL) bool { return portOf(u) == portOf(&url.URL{Scheme: u.Scheme}) }
	return strings.EqualFold(a.Hostname(), b.Hostname()) && own(a) && own(b)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}
