package checkup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// What could be done about certificates.
const (
	// Renew: it ends soon.
	Renew finding.Remedy = "renew"
	// Between: something opens what should be between us and the registry alone.
	Between finding.Remedy = "between"
	// Encrypt: nothing is encrypted.
	Encrypt finding.Remedy = "encrypt"
)

// soon is how long before its end a certificate deserves a look.
const soon = 14 * 24 * time.Hour

const day = "2006-01-02"

// ofCertificate says in words what is wrong with a certificate that was refused; empty for other
// errors.
func ofCertificate(err error, now time.Time) string {
	var problem *registry.CertificateError
	if !errors.As(err, &problem) {
		return ""
	}
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) || len(refused.UnverifiedCertificates) == 0 {
		return ""
	}
	leaf := refused.UnverifiedCertificates[0]
	switch problem.Problem {
	case registry.CertificateExpired:
		for _, each := range refused.UnverifiedCertificates {
			if now.Before(each.NotBefore) {
				return fmt.Sprintf("the certificate of %s is not valid before %s, and by this machine's clock it is %s", problem.Host, each.NotBefore.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
			}
			if now.After(each.NotAfter) {
				return fmt.Sprintf("the certificate of %s has expired on %s", problem.Host, each.NotAfter.UTC().Format(day))
			}
		}
	case registry.CertificateOtherName:
		return fmt.Sprintf("the certificate of %s is for %s", problem.Host, namesOf(leaf))
	case registry.CertificateUntrusted:
		return fmt.Sprintf("the certificate of %s is signed by %q, which this machine does not trust", problem.Host, leaf.Issuer.CommonName)
	}
	return ""
}

// namesOf are the names that a certificate is for.
func namesOf(leaf *x509.Certificate) string {
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name"
	}
	const shown = 4
	text := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		text += ", …"
	}
	return text
}

// certificate looks at the one with which the registry has answered.
func (e *examination) certificate(context.Context) finding.Finding {
	host := e.Client.Host()
	seen := e.Recorder.from(host)
	if len(seen) == 0 {
		return finding.Skipf("%s", e.broken)
	}
	state := seen[len(seen)-1].TLS
	switch {
	case state == nil && transport.IsLoopback(host):
		return finding.Okf("plain HTTP, on this machine alone")
	case state == nil:
		return finding.Warnf(Encrypt, "plain HTTP: whoever is between can read and change everything, passwords too")
	case len(state.PeerCertificates) == 0:
		return finding.Skipf("there is none")
	}
	leaf := state.PeerCertificates[0]
	valid := fmt.Sprintf("valid until %s", leaf.NotAfter.UTC().Format(day))
	private := !trustedByAll(state)
	if left := leaf.NotAfter.Sub(e.Now()); left < soon {
		return finding.Warnf(Renew, "the certificate ends in %d days, on %s", max(0, int(left.Hours()/24)), leaf.NotAfter.UTC().Format(day))
	}
	switch {
	case private && e.Public:
		return finding.Warnf(Between, "the certificate is signed by %q, which this machine alone trusts: either this is a mirror, or something in between opens the connection", leaf.Issuer.CommonName)
	case private:
		return finding.Okf("%s, signed by %q, a private authority", valid, leaf.Issuer.CommonName)
	}
	return finding.Okf("%s, signed by %q", valid, leaf.Issuer.CommonName)
}

// trustedByAll tells whether the system's authorities alone vouch for a chain.
func trustedByAll(state *tls.ConnectionState) bool {
	others := x509.NewCertPool()
	for _, each := range state.PeerCertificates[1:] {
		others.AddCert(each)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Intermediates: others})
	return err == nil
}
