package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// DefaultCertsDirs are the folders in which docker and podman keep private certificate
// authorities and client certificates, one folder a host.
func DefaultCertsDirs() []string {
	dirs := []string{"/etc/docker/certs.d", "/etc/containers/certs.d"}
	if config, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(config, "docker", "certs.d"), filepath.Join(config, "containers", "certs.d"))
	}
	return dirs
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

// permanentTrust tells whether a certificate was not trusted.
func permanentTrust(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
	)
	return errors.As(err, &certificate) || errors.As(err, &authority)
}
