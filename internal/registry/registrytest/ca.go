package registrytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

// CA is a certificate authority that nobody knows but its tests.
type CA struct {
	// File holds its certificate, in PEM.
	File string

	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes a certificate authority in a temporary folder.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	ca := &CA{dir: tb.TempDir()}
	template := template("pgrelocate test authority")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	ca.key = newKey(tb)
	ca.cert = sign(tb, template, template, ca.key, ca.key)
	ca.File = ca.write(tb, "ca.crt", "CERTIFICATE", ca.cert.Raw)
	return ca
}

// Certificate is a certificate with its key, as files and as a value.
type Certificate struct {
	CertFile, KeyFile string
	TLS               tls.Certificate
}

// Issue signs a certificate for name that serves as a server's on loopback and as a
// client's.
func (ca *CA) Issue(tb testing.TB, name string) Certificate {
	tb.Helper()
	template := template(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	key := newKey(tb)
	cert := sign(tb, template, ca.cert, key, ca.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("encoding a key: %v", err)
	}
	return Certificate{
		CertFile: ca.write(tb, name+".crt", "CERTIFICATE", cert.Raw),
		KeyFile:  ca.write(tb, name+".key", "PRIVATE KEY", der),
		TLS:      tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert},
	}
}

// Pool holds the authority and no other.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

func (ca *CA) write(tb testing.TB, name, kind string, der []byte) string {
	tb.Helper()
	file := filepath.Join(ca.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62)) // never fails: crypto/rand ends the program instead
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("making a key: %v", err)
	}
	return key
}

func sign(tb testing.TB, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		tb.Fatalf("signing a certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatalf("reading a certificate: %v", err)
	}
	return cert
}

// Serves is an empty registry whose certificate is valid between two times, and for one name or
// address.
func (ca *CA) Serves(tb testing.TB, from, until time.Time, name string) *Registry {
	tb.Helper()
	template := template(name)
	template.NotBefore, template.NotAfter = from, until
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	key := newKey(tb)
	cert := sign(tb, template, ca.cert, key, ca.key)
	at := startHTTP(tb, ggcr.New(ggcr.Logger(silent)), &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12,
	}, new(atomic.Int64))
	r := &Registry{CA: ca, CAFile: ca.File}
	r.listensOn(tb, strings.TrimPrefix(at, "https://"))
	return r
}
