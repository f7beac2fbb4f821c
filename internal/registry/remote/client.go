// Package remote speaks the OCI distribution protocol to one registry. New returns a
// Client, which is both a registry.Source and a registry.Target.
package remote

import (
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Options steer a Client. The zero value is an anonymous client of a registry over
// HTTPS, plain HTTP on loopback only.
type Options struct {
	// Side stands in errors; SideSource when empty.
	Side registry.Side
	// Keychain finds the credentials of a host; nil is anonymous.
	Keychain authn.Keychain
	// CAFile is a PEM file of further certificate authorities.
	CAFile string
	// CertsDirs are searched for HOST/*.crt, *.cert and *.key as docker does; nil means
	// docker's own folders.
	CertsDirs []string
	// PlainHTTP allows plain HTTP for a host that is not loopback.
	PlainHTTP bool
	// Jobs is how many requests are in flight at once; 0 means 8. A registry that answers
	// 429 or 503 lowers it for a while.
	Jobs int
	// RateLimit bounds bodies read and written together, in bytes a second; 0 is unbounded.
	RateLimit int64
	// StallTimeout is how long a body may make no progress; 0 means 30 s.
	StallTimeout time.Duration
	// RetryTimeout bounds how long one operation is retried without any progress; 0 means 5 min.
	RetryTimeout time.Duration
	// UserAgent is sent with every request; "pgrelocate" when empty.
	UserAgent string
	// Traffic counts; it may be nil.
	Traffic *registry.Traffic
	// Notice is told of retries and of lowered parallelism, one line each; it may be nil.
	Notice func(string)
}

// Client is one registry. It is safe for concurrent use.
type Client struct {
	host string
	opts Options
}

// New returns a client of host, "registry.example.com:5000". It sends nothing yet.
func New(host string, opts Options) (*Client, error) {
	return &Client{host: host, opts: opts}, nil
}
