package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files that SelfSigned keeps in its folder.
const (
	CertificateFile = "tls.crt"
	keyFile         = "tls.key"
)

// SelfSigned returns the certificate in folder. Where there is none it makes one for the
// names and addresses, for a year, and keeps it there: CertificateFile is what clients
// have to trust.
func SelfSigned(folder string, names []string) (*tls.Certificate, error) {
	certificate, key := filepath.Join(folder, CertificateFile), filepath.Join(folder, keyFile)
	found, err := tls.LoadX509KeyPair(certificate, key)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return &found, err
	}
	certPEM, keyPEM, err := selfSigned(names, time.Now())
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		os.MkdirAll(folder, 0o700),
		os.WriteFile(key, keyPEM, 0o600),
		os.WriteFile(certificate, certPEM, 0o644),
	)
	if err != nil {
		return nil, err
	}
	made, err := tls.X509KeyPair(certPEM, keyPEM)
	return &made, err
}

func selfSigned(names []string, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "pgrelocate serve"},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true, // so that it can be trusted as the authority that it is
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
