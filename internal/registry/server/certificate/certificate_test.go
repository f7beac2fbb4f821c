package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func selfSigned(t *testing.T, folder string, names ...string) *Kept {
	t.Helper()
	kept, err := SelfSigned(folder, names)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// trusts tells whether a client that trusts root believes the certificate to be name's.
func trusts(root, certificate *x509.Certificate, name string) error {
	roots := x509.NewCertPool()
	roots.AddCert(root)
	_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
	return err
}

// lay puts a certificate that is valid from now+begins to now+ends into a new folder.
func lay(t *testing.T, by pkix.Name, begins, ends time.Duration, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	key, err := keyIn(folder)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: by, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(begins), NotAfter: time.Now().Add(ends), DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, File), encoded("CERTIFICATE", der), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestSelfSignedIsRenewed(t *testing.T) {
	const hour, year = time.Hour, 365 * 24 * time.Hour
	stranger := pkix.Name{CommonName: "registry.example.com"}
	tests := []struct {
		name           string
		by             pkix.Name
		begins, ends   time.Duration
		wants          string
		renewed, unfit string
	}{
		{name: "is good", by: subject, begins: -hour, ends: year, wants: "a.example.com"},
		{name: "lacks a name", by: subject, begins: -hour, ends: year, wants: "b.example.com", renewed: "is not for b.example.com"},
		{name: "has expired", by: subject, begins: -2 * hour, ends: -hour, wants: "a.example.com", renewed: "is not valid after"},
		{name: "expires soon", by: subject, begins: -hour, ends: hour, wants: "a.example.com", renewed: "is not valid after"},
		{name: "begins later", by: subject, begins: hour, ends: year, wants: "a.example.com", renewed: "is not valid before"},
		{name: "is a stranger's", by: stranger, begins: -hour, ends: year, wants: "a.example.com"},
		{name: "is a stranger's and lacks a name", by: stranger, begins: -hour, ends: year, wants: "b.example.com", unfit: "is not for b.example.com"},
		{name: "is a stranger's and has expired", by: stranger, begins: -2 * hour, ends: -hour, wants: "a.example.com", unfit: "is not valid after"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := lay(t, tt.by, tt.begins, tt.ends, "a.example.com")
			before, err := os.ReadFile(filepath.Join(folder, File))
			if err != nil {
				t.Fatal(err)
			}
			kept := selfSigned(t, folder, tt.wants)
			if !strings.HasPrefix(kept.Renewed, tt.renewed) || (kept.Renewed == "") != (tt.renewed == "") ||
				!strings.HasPrefix(kept.Unfit, tt.unfit) || (kept.Unfit == "") != (tt.unfit == "") {
				t.Errorf("SelfSigned() says renewed %q, unfit %q, want %q, %q", kept.Renewed, kept.Unfit, tt.renewed, tt.unfit)
			}
			after, err := os.ReadFile(filepath.Join(folder, File))
			if err != nil || bytes.Equal(before, after) != (tt.renewed == "") {
				t.Errorf("the file was changed: %t (%v), want %t", !bytes.Equal(before, after), err, tt.renewed != "")
			}
			if !bytes.Equal(after, encoded("CERTIFICATE", kept.TLS.Certificate[0])) {
				t.Error("SelfSigned() returned another certificate than lies in the folder")
			}
			if tt.unfit == "" {
				again := selfSigned(t, folder, tt.wants)
				if again.Renewed != "" || trusts(again.TLS.Leaf, again.TLS.Leaf, tt.wants) != nil && tt.by.CommonName == subject.CommonName {
					t.Errorf("the second start says renewed %q, want a certificate for %s that stays", again.Renewed, tt.wants)
				}
			}
		})
	}
}

// Who trusts the first certificate trusts what takes its place, and two servers with one
// folder do not take turns.
func TestClientsTrustARenewedCertificate(t *testing.T) {
	folder := t.TempDir()
	first := selfSigned(t, folder, "127.0.0.1", "localhost")
	second := selfSigned(t, folder, "127.0.0.2", "localhost")
	if second.Renewed != "is not for 127.0.0.2" {
		t.Errorf("SelfSigned() says renewed %q, want that it was not for 127.0.0.2", second.Renewed)
	}
	for _, name := range []string{"127.0.0.1", "127.0.0.2", "localhost"} {
		for _, root := range []*Kept{first, second} {
			if err := trusts(root.TLS.Leaf, second.TLS.Leaf, name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if third := selfSigned(t, folder, "127.0.0.1"); third.Renewed != "" {
		t.Errorf("back on the first address it was renewed: %s", third.Renewed)
	}
}

// What belongs to somebody else is not written over.
func TestSelfSignedLeavesOthersFilesAlone(t *testing.T) {
	t.Run("a certificate without its key", func(t *testing.T) {
		folder := t.TempDir()
		file := filepath.Join(folder, File)
		if err := os.WriteFile(file, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := SelfSigned(folder, []string{"localhost"})
		text, _ := os.ReadFile(file)
		if err == nil || !strings.Contains(err.Error(), "has no tls.key beside it") || string(text) != "theirs" {
			t.Errorf("SelfSigned() = %v and the file is %q, want an error and the file as it was", err, text)
		}
	})
	t.Run("a key of another kind", func(t *testing.T) {
		folder := t.TempDir()
		file := filepath.Join(folder, keyFile)
		if err := os.WriteFile(file, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := SelfSigned(folder, []string{"localhost"})
		text, _ := os.ReadFile(file)
		if err == nil || !strings.Contains(err.Error(), "tls.key is no PEM file") || string(text) != "theirs" {
			t.Errorf("SelfSigned() = %v and the file is %q, want an error and the file as it was", err, text)
		}
	})
	t.Run("a certificate that somebody else has signed", func(t *testing.T) {
		folder := lay(t, subject, -time.Hour, 48*time.Hour, "a.example.com")
		key, err := keyIn(folder)
		if err != nil {
			t.Fatal(err)
		}
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotAfter: time.Now().Add(48 * time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), other)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, File), encoded("CERTIFICATE", der), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if kept := selfSigned(t, folder, "b.example.com"); kept.Renewed != "" || kept.Unfit == "" {
			t.Errorf("SelfSigned() says renewed %q, unfit %q, want only the latter", kept.Renewed, kept.Unfit)
		}
	})
}

func TestNamesOf(t *testing.T) {
	network := func(cidr string) net.Addr {
		ip, n, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		return &net.IPNet{IP: ip, Mask: n.Mask}
	}
	addresses := []net.Addr{network("127.0.0.1/8"), network("::1/128"), network("10.0.0.5/24"), network("fd00::5/64"), network("fe80::5/64")}
	tests := []struct {
		host string
		all  []net.Addr
		want []string
	}{
		{"127.0.0.1", nil, []string{"127.0.0.1", "desk", "localhost", "::1"}},
		{"127.0.0.2", nil, []string{"127.0.0.2", "desk", "localhost", "127.0.0.1", "::1"}},
		{"registry.example.com", nil, []string{"registry.example.com", "desk", "localhost", "127.0.0.1", "::1"}},
		{"desk", nil, []string{"desk", "localhost", "127.0.0.1", "::1"}},
		{"fe80::5%eth0", nil, []string{"fe80::5", "desk", "localhost", "127.0.0.1", "::1"}},
		{"FD00:0::5", nil, []string{"fd00::5", "desk", "localhost", "127.0.0.1", "::1"}},
		{"0.0.0.0", addresses, []string{"10.0.0.5", "fd00::5", "desk", "localhost", "127.0.0.1", "::1"}},
		{"::", addresses, []string{"10.0.0.5", "fd00::5", "desk", "localhost", "127.0.0.1", "::1"}},
		{"", addresses, []string{"10.0.0.5", "fd00::5", "desk", "localhost", "127.0.0.1", "::1"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, namesOf(tt.host, "desk", tt.all)); diff != "" {
			t.Errorf("namesOf(%q) (-want +got):\n%s", tt.host, diff)
		}
	}
}

// Every address of this machine is in a certificate for all of them.
func TestNamesOfThisMachine(t *testing.T) {
	for _, host := range []string{"", "0.0.0.0", "::"} {
		names, err := Names(host)
		if err != nil {
			t.Fatal(err)
		}
		kept := selfSigned(t, t.TempDir(), names...)
		addresses, err := net.InterfaceAddrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range addresses {
			ip := address.(*net.IPNet).IP
			if err := kept.TLS.Leaf.VerifyHostname(ip.String()); err != nil && !ip.IsLinkLocalUnicast() {
				t.Errorf("listening on %q: %v", host, err)
			}
		}
	}
}
