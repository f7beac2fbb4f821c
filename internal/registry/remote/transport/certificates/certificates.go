// Package certificates is whom a registry's clients trust, and by what they show themselves: the
// system's authorities, a file of further ones, and what docker and podman keep for a host. It says
// why a handshake has failed, too.
package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// DefaultDirs are the folders in which docker and podman keep private certificate
// authorities and client certificates, one folder a host.
func DefaultDirs() []string {
	dirs := []string{"/etc/docker/certs.d", "/etc/containers/certs.d"}
	// Below a relative one lies what the working directory holds, which may be anybody's.
	if config, err := os.UserConfigDir(); err == nil && filepath.IsAbs(config) {
		dirs = append(dirs, filepath.Join(config, "docker", "certs.d"), filepath.Join(config, "containers", "certs.d"))
	}
	return dirs
}

// Options are what to trust besides the system's authorities.
type Options struct {
	// Side stands in errors.
	Side registry.Side
	// CAFile is a PEM file of further authorities; empty is none.
	CAFile string
	// Dirs are searched for HOST/*.crt, *.cert and *.key as docker does.
	Dirs []string
	// Warning is told of what is left out, one line each; it is needed.
	Warning func(string)
}

// Config trusts the system's authorities, the CA file, and what certs.d holds for
// the host.
func Config(host string, opts Options) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	files := []string{}
	if opts.CAFile != "" {
		files = append(files, opts.CAFile)
	}
	for _, dir := range opts.Dirs {
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
	trusted := 0
	for _, file := range files {
		err := trust(pool, file)
		switch {
		case err == nil:
			trusted++
		case file == opts.CAFile:
			return nil, &registry.Error{Op: "reading certificates", Side: opts.Side, Ref: host, Err: err}
		default: // packages leave links to nowhere; a registry that needs the file says so itself
			opts.Warning(fmt.Sprintf("left out of the certificates for %s: %v", host, err))
		}
	}
	if trusted == 0 {
		return config, nil
	}
	config.RootCAs = pool
	return config, nil
}

// mostAuthorities is more than all authorities of the world take, in bytes.
const mostAuthorities = 16 << 20

// trust adds the authorities of a PEM file.
func trust(pool *x509.CertPool, file string) error {
	pem, err := files.ReadRegular(file, mostAuthorities)
	if err == nil && !pool.AppendCertsFromPEM(pem) {
		err = fmt.Errorf("%s holds no PEM certificate", file)
	}
	return err
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
			pair, err := keyPair(path, key)
			if err != nil {
				return nil, nil, fmt.Errorf("client certificate %s: %w", path, err)
			}
			certificates = append(certificates, pair)
		}
	}
	return authorities, certificates, nil
}

// keyPair reads a client certificate. Nobody has named its files: they are no pipes.
func keyPair(certificate, key string) (tls.Certificate, error) {
	public, err := files.ReadRegular(certificate, mostKeyPair)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := files.ReadRegular(key, mostKeyPair)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(public, private)
}

// mostKeyPair is more than a chain of certificates or a key takes, in bytes.
const mostKeyPair = 1 << 20

// Problem names the server in an error of TLS about certificates; other errors it
// returns as they are.
func Problem(host string, err error) error {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		invalid      x509.CertificateInvalidError
		name         x509.HostnameError
	)
	problem := registry.CertificateInvalid
	switch {
	case errors.As(err, &authority):
		problem = registry.CertificateUntrusted
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		problem = registry.CertificateExpired
	case errors.As(err, &name):
		problem = registry.CertificateOtherName
	case strings.Contains(Alert(err), "certificate"):
		problem = registry.CertificateWanted
	case !errors.As(err, &verification):
		return err
	}
	return &registry.CertificateError{Host: host, Problem: problem, Err: err}
}

// Alert is the TLS alert with which a server ended a handshake, in the words of crypto/tls,
// which does not export its type; empty for any other error.
func Alert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	return op.Err.Error()
}

// PassingAlert tells that a server may answer the next handshake otherwise.
func PassingAlert(alert string) bool {
	return strings.HasSuffix(alert, "internal error") || strings.HasSuffix(alert, "user canceled")
}
