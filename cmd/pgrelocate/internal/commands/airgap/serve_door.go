package airgap

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"syscall"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/certificate"
)

// door is what serve stands behind: all that its flags can get wrong, to be known before a
// bundle of gigabytes is checked. Who knocks meanwhile waits.
type door struct {
	net.Listener
	certificate *tls.Certificate  // nil is plain HTTP
	users       *server.Passwords // nil lets everybody in
}

// door reads the files that the flags name, and listens.
func (o serveOptions) door(ctx context.Context, a *app.App) (*door, error) {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return nil, exit.Usagef("--listen: %w", err).WithHint("an address is HOST:PORT, such as 127.0.0.1:5000, or 0.0.0.0:5000 for all of this machine's")
	}
	users, err := o.users(ctx)
	if err != nil {
		return nil, err
	}
	// Before a certificate is made: nothing is left behind where this fails.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, refusedAddress(o.listen, err)
	}
	certificate, err := o.certificate(ctx, a, host)
	if err != nil {
		listener.Close()
		return nil, err
	}
	return &door{listener, certificate, users}, nil
}

// refusedAddress says why nothing can listen at an address, and what to do.
func refusedAddress(address string, err error) error {
	var failed *net.OpError
	if errors.As(err, &failed) {
		err = failed.Err // without "listen tcp" and the address again
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return exit.Usagef("--listen: %s is in use by another program", address).
			WithHint(`end that (a registry, another "pgrelocate serve", on macOS AirPlay), or take another port with --listen; port 0 finds a free one`)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return exit.Usagef("--listen: %s is no address of this machine", address).
			WithHint("name one that it has, or 0.0.0.0 for all of them")
	case errors.Is(err, syscall.EACCES):
		return exit.Usagef("--listen: this user may not listen on %s", address).
			WithHint("take a port from 1024 on")
	}
	return exit.Usagef("--listen: %s: %w", address, err).WithHint("name an address of this machine and a port, such as 127.0.0.1:5000")
}

// longestUsers is more than anybody has, in bytes.
const longestUsers = 16 << 20

// users reads the htpasswd file; nil where none is named.
func (o serveOptions) users(ctx context.Context) (*server.Passwords, error) {
	if o.htpasswd == "" {
		return nil, nil
	}
	text, err := files.ReadSmall(ctx, o.htpasswd, longestUsers)
	if err != nil {
		return nil, exit.Usagef("--htpasswd: %w", err)
	}
	users, err := server.ParsePasswords(text)
	if err != nil {
		return nil, exit.Usagef("--htpasswd: %s: %w", o.htpasswd, err)
	}
	return users, nil
}

// certificate reads or makes the certificate for a server that listens on host; nil where
// it is to speak plain HTTP.
func (o serveOptions) certificate(ctx context.Context, a *app.App, host string) (*tls.Certificate, error) {
	switch {
	case o.cert != "":
		pair, err := certificate.Read(ctx, o.cert, o.key)
		if err != nil {
			return nil, exit.Usagef("--tls-cert: %w", err)
		}
		return &pair, nil
	case o.selfSigned == "":
		return nil, nil
	}
	names, err := certificate.Names(host)
	if err != nil {
		return nil, err
	}
	kept, err := certificate.SelfSigned(o.selfSigned, names)
	if err != nil {
		return nil, exit.Usagef("--tls-self-signed: %w", err)
	}
	file := filepath.Join(o.selfSigned, certificate.File)
	if kept.Renewed != "" {
		a.Note("renewed %s, for the earlier one %s: give it to clients that do not trust it", file, kept.Renewed)
	}
	if kept.Unfit != "" {
		a.Warn("clients may refuse %s, for it %s; it was not made here and stays as it is: replace it, or take another folder", file, kept.Unfit)
	}
	return &kept.TLS, nil
}

// guard lets only the users through to next.
func (d *door) guard(next http.Handler) http.Handler {
	if d.users == nil {
		return next
	}
	return server.Authenticate(next, d.users)
}

// address is where clients find the door: for one at all of this machine's addresses, at the
// one that they are likeliest to reach.
func (d *door) address() string {
	scheme := "http"
	if d.certificate != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(d.Addr().String())
	if err != nil {
		return scheme + "://" + d.Addr().String()
	}
	elsewhere := ""
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		if names, err := certificate.Names(host); err == nil {
			host, elsewhere = names[0], ", and on this machine's other addresses"
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port) + elsewhere
}
