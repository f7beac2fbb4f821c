package main

import (
	"crypto/x509"
	"os"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
)

// checkAuthorities finds out before anything is sent whether --ca-file can be used.
func checkAuthorities(file string) error {
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return exit.Usagef("--ca-file: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return exit.Usagef("--ca-file: %s holds no PEM certificate", file)
	}
	return nil
}
