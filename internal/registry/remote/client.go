// Package remote speaks the OCI distribution protocol to one registry. New returns a
// Client, which is both a registry.Source and a registry.Target.
//
// A request passes, from the outside in, through retry (do), the cap on requests in
// flight (gate), authorization (authorizer), redirects and the watchdog against
// stalls (send), and the plain net/http transport.
package remote

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/time/rate"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Options steer a Client. The zero value is an anonymous client of a registry over
// HTTPS, plain HTTP on loopback only.
type Options struct {
	// Side stands in errors; SideSource when empty.
	Side registry.Side
	// Keychain finds the credentials of a host; nil is anonymous.
	Keychain authn.Keychain
	// Push asks for tokens that may write as well, so that one token serves a whole run.
	Push bool
	// CAFile is a PEM file of further certificate authorities.
	CAFile string
	// CertsDirs are searched for HOST/*.crt, *.cert and *.key as docker does; nil means
	// docker's own folders, see DefaultCertsDirs.
	CertsDirs []string
	// PlainHTTP allows plain HTTP for a host that is not loopback.
	PlainHTTP bool
	// Jobs is how many requests are in flight at once; 0 means DefaultJobs. A registry that
	// answers 429 or 503 lowers it for a while.
	Jobs int
	// RateLimit bounds bodies read and written together, in bytes a second; 0 is unbounded.
	RateLimit int64
	// StallTimeout is how long a body may make no progress, and how long a registry may take
	// to begin its answer; 0 means DefaultStallTimeout.
	StallTimeout time.Duration
	// StallBytes is how much has to move within StallTimeout to count as progress; 0 means 1 KiB.
	StallBytes int64
	// RetryTimeout bounds how long one operation is retried without any progress; 0
	// means DefaultRetryTimeout.
	RetryTimeout time.Duration
	// ChunkSize sends blobs in chunks of this many bytes from the start; 0 sends each in
	// one body, and in chunks only to a registry that refuses large bodies.
	ChunkSize int64
	// UserAgent is sent with every request; "pgrelocate" when empty.
	UserAgent string
	// Traffic counts; it may be nil.
	Traffic *registry.Traffic
	// Notice is told of retries and of lowered parallelism, one line each; it may be nil.
	Notice func(string)
}

// The defaults of Options.
const (
	DefaultJobs         = 8
	DefaultStallTimeout = 30 * time.Second
	DefaultRetryTimeout = 5 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.Side == "" {
		o.Side = registry.SideSource
	}
	if o.Keychain == nil {
		o.Keychain = authn.NewMultiKeychain()
	}
	if o.Jobs <= 0 {
		o.Jobs = DefaultJobs
	}
	if o.StallTimeout <= 0 {
		o.StallTimeout = DefaultStallTimeout
	}
	if o.StallBytes <= 0 {
		o.StallBytes = 1 << 10
	}
	if o.RetryTimeout <= 0 {
		o.RetryTimeout = DefaultRetryTimeout
	}
	if o.UserAgent == "" {
		o.UserAgent = "pgrelocate"
	}
	if o.Traffic == nil {
		o.Traffic = &registry.Traffic{}
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.CertsDirs == nil {
		o.CertsDirs = DefaultCertsDirs()
	}
	return o
}

// Client is one registry. It is safe for concurrent use.
type Client struct {
	host      string
	opts      Options
	transport *http.Transport
	gate      *gate
	auth      *authorizer
	secrets   secrets
	limit     *rate.Limiter // nil is unbounded
	scout     scout
	uploads   uploadStyle

	mu       sync.Mutex
	sessions map[string]string // uploads that a refused mount opened, by repository and digest
	tags     map[string]map[string]bool
	subjects sync.Mutex // held while a referrers tag is read and written

	referrers     atomic.Int32 // whether the registry lists them
	referrersTurn chan struct{}
	unlisted      refusals
}

// New returns a client of host, "registry.example.com:5000". It reads certificates, and
// sends nothing yet.
func New(host string, opts Options) (*Client, error) {
	opts = opts.withDefaults()
	reg, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil {
		return nil, &registry.Error{Op: "reading the name", Side: opts.Side, Ref: host, Err: err}
	}
	tlsConfig, err := tlsConfigFor(reg.RegistryStr(), opts)
	if err != nil {
		return nil, err
	}
	c := &Client{
		host:      reg.RegistryStr(),
		opts:      opts,
		transport: newTransport(tlsConfig, opts),
		gate:      newGate(opts.Jobs),
		sessions:  map[string]string{},
		tags:      map[string]map[string]bool{},

		referrersTurn: make(chan struct{}, 1),
	}
	c.scout.turn, c.scout.scheme = make(chan struct{}, 1), c.firstScheme(tlsConfig.RootCAs != nil)
	c.uploads.chunk = opts.ChunkSize
	c.auth = newAuthorizer(c, reg)
	if opts.RateLimit > 0 {
		c.limit = rate.NewLimiter(rate.Limit(opts.RateLimit), int(max(opts.RateLimit/4, 64<<10)))
	}
	return c, nil
}

// Host is the registry's name with its port.
func (c *Client) Host() string { return c.host }

// Prepare tells the client which repositories the run will use, so that one token can
// serve them all. It may be called again with more.
func (c *Client) Prepare(repositories []string) { c.auth.prepare(repositories) }

// Shaky tells whether anything has had to be tried again so far. It counts what Options.Traffic
// counts, which other clients may share.
func (c *Client) Shaky() bool { return c.opts.Traffic.Retries.Load() > 0 }

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// newTransport speaks HTTP/1.1 only: HTTP/2 would put all blobs of a host on one TCP
// connection and so under one connection's bandwidth.
func newTransport(tlsConfig *tlsConfigType, opts Options) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial(dialer(opts)),
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    opts.StallTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConns:           opts.Jobs * 2,
		MaxIdleConnsPerHost:    opts.Jobs,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true,
		WriteBufferSize:        32 << 10,
		ReadBufferSize:         16 << 10,
		Protocols:              protocols,
	}
}
