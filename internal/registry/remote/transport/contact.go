package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/certificates"
)

// contact is what the first request finds out for all others: the scheme, and through the
// authorizer how the registry wants to be authenticated.
type contact struct {
	turn   chan struct{} // holds one value while somebody looks ahead
	done   atomic.Bool
	scheme string // settled once done
	// changed: the other scheme was tried before.
	changed bool
	dead    atomic.Pointer[error]
}

// IsLoopback tells whether host, with or without a port, is this machine.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// MayUsePlainHTTP tells whether a host, with or without a port, may be spoken to without TLS:
// this machine, or any where Options.PlainHTTP allows it.
func (c *Client) MayUsePlainHTTP(host string) bool {
	return c.opts.PlainHTTP || IsLoopback(host)
}

// PlainFirst tells whether a client that New makes of the same would send its first request without TLS. Nobody is
// asked.
func PlainFirst(host string, opts Options) (bool, error) {
	c, err := New(host, opts)
	return err == nil && c.contact.scheme == "http", err
}

// firstScheme is what the first request tries. Nothing secret is in that request: the
// registry has not yet asked who we are.
func (c *Client) firstScheme(trusted bool) string {
	if c.MayUsePlainHTTP(c.host) && !trusted {
		return "http"
	}
	return "https"
}

// otherScheme tells from the answer to the first request that the other scheme is worth a
// try: the server took TLS for garbage, or garbage for TLS, or nobody listens on the default port.
func (c *Client) otherScheme(resp *http.Response, err error) bool {
	if c.contact.done.Load() || c.contact.changed || !c.MayUsePlainHTTP(c.host) {
		return false
	}
	if err == nil {
		return c.contact.scheme == "http" && resp.StatusCode == http.StatusBadRequest && resp.Header.Get("Docker-Distribution-Api-Version") == ""
	}
	var record tls.RecordHeaderError
	_, _, portErr := net.SplitHostPort(c.host)
	return errors.As(err, &record) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, registry.ErrPlainHTTP) ||
		strings.Contains(err.Error(), "malformed HTTP response") ||
		portErr != nil && errors.Is(err, syscall.ECONNREFUSED)
}

// tryOtherScheme sends a request by the other scheme, and stays with it where that is answered.
// Otherwise what first came of the request, which it is given, is what came of it.
func (c *Client) tryOtherScheme(ctx context.Context, request Request, first *http.Response, firstErr error) (*http.Response, error) {
	c.opts.Traffic.Requests.Add(-1) // no registry has seen one of the two
	c.swapScheme()
	req, err := c.build(request)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, req, request.Stay)
	if err != nil && !speaksTLS(err) {
		c.swapScheme()
		return first, firstErr
	}
	c.contact.changed = true
	if firstErr == nil {
		drain(first.Body)
	}
	return resp, err
}

// speaksTLS tells that TLS failed because of who the two sides are: the server does speak it.
func speaksTLS(err error) bool {
	var certificate *registry.CertificateError
	return errors.As(err, &certificate) || certificates.Alert(err) != ""
}

func (c *Client) swapScheme() {
	if c.contact.scheme == "http" {
		c.contact.scheme = "https"
	} else {
		c.contact.scheme = "http"
	}
}

// lookAhead lets one request at a time through until one has been answered: it learns
// the scheme and the challenge that all others need. The returned function ends its turn;
// its argument tells whether the registry answered.
func (c *Client) lookAhead(ctx context.Context) (func(answered bool), error) {
	if c.contact.done.Load() {
		return func(bool) {}, nil
	}
	select {
	case c.contact.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c.contact.done.Load() {
		<-c.contact.turn
		return func(bool) {}, nil
	}
	if dead := c.contact.dead.Load(); dead != nil {
		<-c.contact.turn
		return nil, *dead
	}
	return func(answered bool) {
		if answered {
			c.contact.done.Store(true)
		}
		<-c.contact.turn
	}, nil
}

// base is the registry's URL, "https://registry.example.com". Only a request that has
// looked ahead may ask.
func (c *Client) base() string { return c.contact.scheme + "://" + c.host }
