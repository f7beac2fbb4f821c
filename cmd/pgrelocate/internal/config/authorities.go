package config

import (
	"crypto/x509"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
)

// CheckAuthorities finds out whether CAFile can be used, for whoever is about to send
// something: later every artifact would fail for the same reason.
func (c *Config) CheckAuthorities() error {
	if c.CAFile == "" {
		return nil
	}
	pem, err := files.ReadRegular(c.CAFile, longestPEM)
	if err != nil {
		return exit.Usagef("--ca-file: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return exit.Usagef("--ca-file: %s holds no PEM certificate", c.CAFile)
	}
	return nil
}
