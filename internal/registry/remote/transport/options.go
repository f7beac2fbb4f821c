package transport

import (
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/certificates"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/stall"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
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
	// docker's own folders, see certificates.DefaultDirs.
	CertsDirs []string
	// PlainHTTP allows plain HTTP for a host that is not loopback.
	PlainHTTP bool
	// Jobs is how many requests are in flight at once; 0 means DefaultJobs. A registry that
	// answers 429 or 503 lowers it for a while.
	Jobs int
	// RateLimit bounds bodies read and written together, in bytes a second; 0 is unbounded.
	RateLimit int64
	// Limits are shared with other clients of the same registry, and then Jobs and RateLimit do
	// not count; nil is limits of the client's own.
	Limits *Limits
	// StallTimeout is how long a body may make no progress, and how long a registry may take
	// to begin its answer; 0 means DefaultStallTimeout.
	StallTimeout time.Duration
	// StallBytes is how much has to move within StallTimeout to count as progress, of which only
	// the time counts that is spent waiting for the registry. What all requests to it have moved
	// together counts too, where each has moved 1 KiB. 0 means 1 KiB for each second of it, and at
	// most 30 KiB: a longer StallTimeout is for slower lines.
	StallBytes int64
	// RetryTimeout bounds how long an outage is waited for; 0 means DefaultRetryTimeout. What
	// fails while the registry serves other requests is tried ten times.
	RetryTimeout time.Duration
	// UserAgent is sent with every request; "pgrelocate" when empty.
	UserAgent string
	// Traffic counts; it may be nil.
	Traffic *registry.Traffic
	// Secrets get to know every password and token that is sent, for whoever writes what the
	// client says; nil keeps them to the client.
	Secrets *secrets.Set
	// Warning is told of what a user should mend, one line each; nil is Notice.
	Warning func(string)
	// Outage is told of each failure of the registry after which a request is tried again, or
	// given up, and of the answer that ends them; it may be nil. It is called from several
	// goroutines at once.
	Outage func(registry.Outage)
	// Observe is told of every answer, those of token servers and redirects too, from several
	// goroutines at once; it may be nil.
	Observe func(Exchange)
	// Notice is told of retries and of lowered parallelism, one line each; it may be nil.
	Notice func(string)
}

// The defaults of Options.
const (
	DefaultJobs         = 8
	DefaultStallTimeout = stall.DefaultTimeout
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
	if o.Limits == nil {
		o.Limits = NewLimits(o.Jobs, o.RateLimit)
	}
	if o.StallTimeout <= 0 {
		o.StallTimeout = DefaultStallTimeout
	}
	if o.StallBytes <= 0 {
		o.StallBytes = stall.Bytes(o.StallTimeout)
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
	if o.Secrets == nil {
		o.Secrets = new(secrets.Set)
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Outage == nil {
		o.Outage = func(registry.Outage) {}
	}
	if o.Warning == nil {
		o.Warning = o.Notice
	}
	if o.CertsDirs == nil {
		o.CertsDirs = certificates.DefaultDirs()
	}
	return o
}
