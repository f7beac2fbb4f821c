package transport

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/auth"
)

// Exchange is a request and its answer, as far as they tell of the way between the two, for
// whoever looks for what is wrong there. Queries and bodies, which may hold secrets, are not in it.
type Exchange struct {
	Method string
	// Scheme and Host were asked: the registry, its token server, or where it has redirected to.
	Scheme, Host, Path string
	Status             int
	// Header is the answer's. It is not to be changed.
	Header http.Header
	// TLS is nil where the answer came without.
	TLS *tls.ConnectionState
	// Sent and Answered are when, by this machine's clock.
	Sent, Answered time.Time
}

// Standing is how a registry wants its clients to say who they are.
type Standing = auth.Standing

// Standing is how the registry has asked so far; see auth.Authorizer.Standing.
func (c *Client) Standing() Standing { return c.auth.Standing() }

// Granted is what the newest token for a repository allows there; see auth.Authorizer.Granted.
func (c *Client) Granted(repository string) (actions []string, known bool) {
	return c.auth.Granted(repository)
}

// observe tells Options.Observe of an answer.
func (c *Client) observe(req *http.Request, resp *http.Response, sent time.Time) {
	if c.opts.Observe == nil {
		return
	}
	c.opts.Observe(Exchange{
		Method: req.Method, Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path, Status: resp.StatusCode,
		Header: resp.Header, TLS: resp.TLS, Sent: sent, Answered: time.Now(),
	})
}

// Location reads where an upload goes on, relative or absolute. A registry behind a proxy
// that ends TLS may name itself by http: its own scheme is kept.
func (c *Client) Location(resp *Response) (*url.URL, error) {
	raw := resp.Header.Get("Location")
	if raw == "" {
		return nil, errors.New("the registry opened an upload without a Location")
	}
	location, err := resp.Request.URL.Parse(raw)
	if err != nil {
		return nil, errors.New("the registry opened an upload with an unusable Location")
	}
	if location.Host == resp.Request.URL.Host || location.Scheme == "http" && OnOwnPorts(location, resp.Request.URL) {
		location.Scheme, location.Host = resp.Request.URL.Scheme, resp.Request.URL.Host
	}
	if location.Scheme != "https" && !c.MayUsePlainHTTP(location.Host) {
		return nil, errors.New("the registry sends uploads away from TLS, to " + location.Host)
	}
	return location, nil
}
