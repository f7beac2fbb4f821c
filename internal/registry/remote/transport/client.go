// Package transport carries requests to one registry and knows none of the protocol's
// verbs. New returns a Client, Client.Do sends a Request until it is answered.
//
// A request passes, from the outside in, through Retry, the cap on requests in flight
// (package gate), authorization (package auth), redirects and the watchdog against stalls (package
// stall), and the plain net/http transport. The first request makes contact: it finds out whether the
// registry speaks TLS, and how it wants to be authenticated.
package transport

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/time/rate"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/auth"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/certificates"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/gate"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/proxies"
)

// Access is what a request needs of the registry.
type Access = auth.Access

// TokenError is a token server's refusal.
type TokenError = auth.TokenError

// Client sends requests to one registry. It is safe for concurrent use.
type Client struct {
	host      string
	opts      Options
	transport *http.Transport
	gate      *gate.Gate
	auth      *auth.Authorizer
	limit     *rate.Limiter // nil is unbounded
	contact   contact
	// noExpect: the registry, or what is before it, does not answer "Expect: 100-continue".
	noExpect atomic.Bool
	outage   outage
	drought  drought
	// served counts the answers that show that the registry works; a demand to log in does not.
	served atomic.Int64
	// spent: an outage has lasted as long as the run's retries may.
	spent atomic.Bool
	// answered are the hosts that have.
	answered sync.Map
}

// New returns a client of host, "registry.example.com:5000". It reads certificates, and
// sends nothing yet.
func New(host string, opts Options) (*Client, error) {
	opts = opts.withDefaults()
	reg, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil {
		return nil, &registry.Error{Op: "reading the name", Side: opts.Side, Ref: host, Err: err}
	}
	tlsConfig, err := certificates.Config(reg.RegistryStr(), certificates.Options{
		Side: opts.Side, CAFile: opts.CAFile, Dirs: opts.CertsDirs, Warning: opts.Warning,
	})
	if err != nil {
		return nil, err
	}
	c := &Client{
		host:      reg.RegistryStr(),
		opts:      opts,
		transport: newTransport(tlsConfig, opts),
		gate:      opts.Limits.gate,
		limit:     opts.Limits.rate,
	}
	c.contact.turn, c.contact.scheme = make(chan struct{}, 1), c.firstScheme(tlsConfig.RootCAs != nil)
	c.auth = auth.New(auth.Options{
		Registry: reg, Keychain: opts.Keychain, Push: opts.Push,
		Ask: c.askForToken, PlainHTTP: c.MayUsePlainHTTP, Learned: opts.Secrets.Add,
	})
	return c, nil
}

// Host is the registry's name with its port.
func (c *Client) Host() string { return c.host }

// Side is the registry's side of a copy, as it stands in errors.
func (c *Client) Side() registry.Side { return c.opts.Side }

// Prepare tells the client which repositories the run will use, so that one token can
// serve them all. It may be called again with more.
func (c *Client) Prepare(repositories []string) { c.auth.Prepare(repositories) }

// Retries tells how many requests have been tried again so far. It counts in
// Options.Traffic, which other clients may share.
func (c *Client) Retries() int64 { return c.opts.Traffic.Retries.Load() }

// RetryTimeout is how long an outage is waited for at most.
func (c *Client) RetryTimeout() time.Duration { return c.opts.RetryTimeout }

// CountRetry counts a request that is sent again in another form, which needs no Retry.
func (c *Client) CountRetry() { c.opts.Traffic.Retries.Add(1) }

// Notice tells Options.Notice something about the registry: its name stands before the text.
func (c *Client) Notice(format string, args ...any) {
	c.opts.Notice(fmt.Sprintf("%s: %s ", c.opts.Side, c.host) + fmt.Sprintf(format, args...))
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// newTransport speaks HTTP/1.1 only: HTTP/2 would put all blobs of a host on one TCP
// connection and so under one connection's bandwidth.
func newTransport(tlsConfig *tls.Config, opts Options) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxies.FromEnvironment(),
		DialContext:            dial(dialer(opts)),
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    opts.StallTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConns:           opts.Jobs * 2,
		MaxIdleConnsPerHost:    opts.Jobs,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true,
		OnProxyConnectResponse: proxies.Connected,
		Protocols:              protocols,
	}
}
