package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// expectContinueFrom is the size from which an upload first asks whether it is welcome:
// a registry that wants a new token, or fewer requests, then says so before the bytes are sent.
const expectContinueFrom = 1 << 20

const mostRedirects = 10

// send sends a request under the watchdog and follows redirects, unless it is to stay. It
// counts what goes over the wire.
func (c *Client) send(ctx context.Context, req *http.Request, stay bool) (*http.Response, error) {
	if stay {
		return c.sendOnce(ctx, req)
	}
	return c.follow(req, func(req *http.Request) (*http.Response, error) { return c.sendOnce(ctx, req) })
}

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

func (c *Client) sendOnce(ctx context.Context, req *http.Request) (*http.Response, error) {
	ctx, watch := watch(ctx, c.patience(req), c.opts.StallBytes)
	if hasBody(req) {
		body := &sent{Reader: req.Body, ctx: ctx, client: c, watch: watch}
		req.Body = body
		if req.ContentLength >= expectContinueFrom && !c.uploads.noExpect.Load() {
			req.Header.Set("Expect", "100-continue")
			ctx = body.expect(ctx)
		}
	}
	req = req.WithContext(ctx)
	watch.wait()
	resp, err := c.roundTrip(req)
	if err != nil {
		err = cause(ctx, unwrapNet(err))
		watch.end()
		return nil, err
	}
	watch.got(c.opts.StallBytes)
	watch.reset(c.opts.StallTimeout)
	resp.Body = &received{ReadCloser: resp.Body, ctx: ctx, client: c, watch: watch, release: func() {}}
	return resp, nil
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// patience is how long a registry may take to answer a request without a body, and to take
// the first bytes of another. The PUT that closes an upload is when the blob is stored.
func (c *Client) patience(req *http.Request) time.Duration {
	if req.Method == http.MethodPut && !hasBody(req) {
		return answerPatience * c.opts.StallTimeout
	}
	return c.opts.StallTimeout
}

// roundTrip counts the request.
func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", c.opts.UserAgent)
	c.opts.Traffic.Requests.Add(1)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, &netError{err}
	}
	return resp, nil
}

func unwrapNet(err error) error {
	var network *netError
	if errors.As(err, &network) {
		return network.err
	}
	return err
}

// redirects are the statuses that point elsewhere.
var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

// mayFollow tells whether an answer points elsewhere, and the request can go there: a read,
// or the opening of an upload, where the answer asks for the same method. A body has been
// used up.
func mayFollow(req *http.Request, resp *http.Response) bool {
	switch {
	case req.Method == http.MethodGet, req.Method == http.MethodHead:
		return slices.Contains(redirects, resp.StatusCode)
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
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("redirect without a usable Location")
	}
	if target.Scheme != "https" && (req.URL.Scheme == "https" || target.Scheme != "http") && !c.mayUsePlainHTTP(target.Host) {
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

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// permanentTrust tells whether a certificate was not trusted.
func permanentTrust(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
	)
	return errors.As(err, &certificate) || errors.As(err, &authority)
}
