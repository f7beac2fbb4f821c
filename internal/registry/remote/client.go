// Package remote speaks the OCI distribution protocol to one registry: its verbs stand
// here, and package transport below carries their requests. New returns a Client, which is
// both a registry.Source and a registry.Target.
package remote

import (
	"sync"
	"sync/atomic"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/referrers"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
)

// Options steer a Client; the zero value is an anonymous client of a registry over HTTPS.
type Options = transport.Options

// Limits bound what several clients of one registry do together.
type Limits = transport.Limits

// Exchange is a request and its answer, as Options.Observe is told of it.
type Exchange = transport.Exchange

// NewLimits allows that many requests at once and that many bytes a second, as
// transport.NewLimits does.
func NewLimits(jobs int, bytesPerSecond int64) *Limits {
	return transport.NewLimits(jobs, bytesPerSecond)
}

// PlainFirst tells whether a client of a registry would send its first request without TLS, as
// transport.PlainFirst does.
func PlainFirst(host string, opts Options) (bool, error) { return transport.PlainFirst(host, opts) }

// The defaults of Options.
const (
	DefaultJobs         = transport.DefaultJobs
	DefaultStallTimeout = transport.DefaultStallTimeout
	DefaultRetryTimeout = transport.DefaultRetryTimeout
)

// Client is one registry. It is safe for concurrent use.
type Client struct {
	transport *transport.Client
	pushes    bool // the run writes here
	uploads   uploadStyle
	heads     heads
	took      atomic.Bool // something that was pushed
	// failedMounts are those in a row at which the registry failed, and at nothing else.
	failedMounts atomic.Int32
	journal      *uploads.Journal // may be nil
	unnoted      sync.Once        // the journal cannot be written
	patience     patience

	mu       sync.Mutex
	sessions map[string]string // uploads that a refused mount opened, by repository and digest
	tags     map[string]map[string]bool
	broken   map[string]bool // blobs that are there with another size, by repository and digest

	referrers *referrers.Lister
}

// New returns a client of host, "registry.example.com:5000". It reads certificates, and
// sends nothing yet.
func New(host string, opts Options) (*Client, error) {
	requests, err := transport.New(host, opts)
	if err != nil {
		return nil, err
	}
	c := &Client{
		transport: requests,
		pushes:    opts.Push,
		sessions:  map[string]string{},
		tags:      map[string]map[string]bool{},
		broken:    map[string]bool{},
	}
	c.referrers = referrers.New(requests, c, c.mayHaveTag)
	return c, nil
}

// Transport is what carries the client's requests, for those that are no part of a copy.
func (c *Client) Transport() *transport.Client { return c.transport }

// Side is the registry's side of a copy.
func (c *Client) Side() registry.Side { return c.transport.Side() }

// Host is the registry's name with its port.
func (c *Client) Host() string { return c.transport.Host() }

// Prepare tells the client which repositories the run will use, so that one token can
// serve them all. It may be called again with more.
func (c *Client) Prepare(repositories []string) { c.transport.Prepare(repositories) }

// Troubled tells whether anything has had to be tried again so far. It counts what Options.Traffic
// counts, which other clients may share.
func (c *Client) Troubled() bool { return c.transport.Retries() > 0 }

// ChunkSize sends blobs in chunks of this many bytes from now on; 0, as at the beginning,
// sends each in one body, and in chunks only to a registry that refuses large bodies.
func (c *Client) ChunkSize(size int64) {
	c.uploads.mu.Lock()
	defer c.uploads.mu.Unlock()
	c.uploads.chunk = size
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.Close() }
