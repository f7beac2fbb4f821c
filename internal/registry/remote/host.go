package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

type tlsConfigType = tls.Config

// scout is what the first request finds out for all others: the scheme, and through the
// authorizer how the registry wants to be authenticated.
type scout struct {
	turn   chan struct{} // holds one value while somebody looks ahead
	done   atomic.Bool
	scheme string // settled once done
	// changed: the other scheme was tried before.
	changed bool
	dead    atomic.Pointer[error]
}

// DefaultCertsDirs are the folders in which docker and podman keep private certificate
// authorities and client certificates, one folder a host.
func DefaultCertsDirs() []string {
	dirs := []string{"/etc/docker/certs.d", "/etc/containers/certs.d"}
	if config, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(config, "docker", "certs.d"), filepath.Join(config, "containers", "certs.d"))
	}
	return dirs
}

func dialer(opts Options) *net.Dialer {
	return &net.Dialer{Timeout: opts.StallTimeout, KeepAlive: 30 * time.Second}
}

// tlsConfigFor trusts the system's authorities, the CA file, and what certs.d holds for
// the host.
func tlsConfigFor(host string, opts Options) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	files := []string{}
	if opts.CAFile != "" {
		files = append(files, opts.CAFile)
	}
	for _, dir := range opts.CertsDirs {
		found, certificates, err := readCertsDir(filepath.Join(dir, host))
		if err != nil {
			return nil, &registry.Error{Op: "reading certificates", Side: opts.Side, Ref: host, Err: err}
		}
		files = append(files, found...)
		config.Certificates = append(config.Certificates, certificates...)
	}
	if len(files) == 0 {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, &registry.Error{Op: "reading certificates", Side: opts.Side, Ref: host, Err: err}
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, &registry.Error{Op: "reading certificates", Side: opts.Side, Ref: host,
				Err: fmt.Errorf("%s holds no PEM certificate", file)}
		}
	}
	config.RootCAs = pool
	return config, nil
}

// readCertsDir reads docker's layout: *.crt are authorities, *.cert with *.key beside
// them are client certificates. A folder that does not exist, or may not be read, holds nothing.
func readCertsDir(dir string) (authorities []string, certificates []tls.Certificate, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch filepath.Ext(path) {
		case ".crt":
			authorities = append(authorities, path)
		case ".cert":
			key := strings.TrimSuffix(path, ".cert") + ".key"
			pair, err := tls.LoadX509KeyPair(path, key)
			if err != nil {
				return nil, nil, fmt.Errorf("client certificate %s: %w", path, err)
			}
			certificates = append(certificates, pair)
		}
	}
	return authorities, certificates, nil
}

// isLoopback tells whether host, with or without a port, is this machine.
func isLoopback(host string) bool {
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

// mayUsePlainHTTP tells whether a host may be spoken to without TLS.
func (c *Client) mayUsePlainHTTP(host string) bool {
	return c.opts.PlainHTTP || isLoopback(host)
}

// firstScheme is what the first request tries. Nothing secret is in that request: the
// registry has not yet asked who we are.
func (c *Client) firstScheme(trusted bool) string {
	if c.mayUsePlainHTTP(c.host) && !trusted {
		return "http"
	}
	return "https"
}

// otherScheme tells from the answer to the first request that the other scheme is worth a
// try: the server took TLS for garbage, or garbage for TLS, or nobody listens on the default port.
func (c *Client) otherScheme(resp *http.Response, err error) bool {
	if c.scout.done.Load() || c.scout.changed || !c.mayUsePlainHTTP(c.host) {
		return false
	}
	if err == nil {
		return c.scout.scheme == "http" && resp.StatusCode == http.StatusBadRequest && resp.Header.Get("Docker-Distribution-Api-Version") == ""
	}
	var record tls.RecordHeaderError
	_, _, portErr := net.SplitHostPort(c.host)
	return errors.As(err, &record) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") ||
		strings.Contains(err.Error(), "malformed HTTP response") ||
		portErr != nil && errors.Is(err, syscall.ECONNREFUSED)
}

// tryOtherScheme sends a call by the other scheme, and stays with it where that is answered.
// Otherwise what first came of the call, which it is given, is what came of it.
func (c *Client) tryOtherScheme(ctx context.Context, call call, first *http.Response, firstErr error) (*http.Response, error) {
	c.opts.Traffic.Requests.Add(-1) // no registry has seen one of the two
	c.swapScheme()
	req, err := c.request(call)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, req, call.stay)
	if err != nil && !speaksTLS(err) {
		c.swapScheme()
		return first, firstErr
	}
	c.scout.changed = true
	if firstErr == nil {
		drain(first.Body)
	}
	return resp, err
}

// speaksTLS tells that TLS failed because of who the two sides are: the server does speak it.
func speaksTLS(err error) bool {
	var alert tls.AlertError
	return permanentTrust(err) || errors.As(err, &alert)
}

func (c *Client) swapScheme() {
	if c.scout.scheme == "http" {
		c.scout.scheme = "https"
	} else {
		c.scout.scheme = "http"
	}
}

// lookAhead lets one request at a time through until one has been answered: it learns
// the scheme and the challenge that all others need. The returned function ends its turn;
// its argument tells whether the registry answered.
func (c *Client) lookAhead(ctx context.Context) (func(answered bool), error) {
	if c.scout.done.Load() {
		return func(bool) {}, nil
	}
	select {
	case c.scout.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c.scout.done.Load() {
		<-c.scout.turn
		return func(bool) {}, nil
	}
	if dead := c.scout.dead.Load(); dead != nil {
		<-c.scout.turn
		return nil, *dead
	}
	return func(answered bool) {
		if answered {
			c.scout.done.Store(true)
		}
		<-c.scout.turn
	}, nil
}

// base is the registry's URL, "https://registry.example.com". Only a request that has
// looked ahead may ask.
func (c *Client) base() string { return c.scout.scheme + "://" + c.host }
