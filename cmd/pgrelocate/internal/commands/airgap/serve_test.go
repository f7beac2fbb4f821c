package airgap

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/certificate"
)

// A certificate that the folder held before, and that was made elsewhere, is told about and
// stays.
func TestServeWarnsOfAnUnfitCertificate(t *testing.T) {
	folder := t.TempDir()
	theirs := registrytest.NewCA(t).Issue(t, "registry.example.com")
	for name, from := range map[string]string{"tls.crt": theirs.CertFile, "tls.key": theirs.KeyFile} {
		if err := os.Rename(from, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	streams, _, messages := terminal.Test("")
	got, err := serveOptions{selfSigned: folder}.certificate(t.Context(), app.New(streams, view.Build{}), "10.0.0.5")
	if err != nil || !got.Leaf.Equal(theirs.TLS.Leaf) {
		t.Errorf("certificate() = another one, %v", err)
	}
	want := "warning: clients may refuse " + filepath.Join(folder, "tls.crt") + ", for it is not "
	if !strings.HasPrefix(messages.String(), want) {
		t.Errorf("certificate() says %q, want %q", messages, want)
	}
}

// at is a listener with an address.
type at string

func (a at) Addr() net.Addr { return a }

func (a at) Network() string { return "tcp" }
func (a at) String() string  { return string(a) }

func (at) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (at) Close() error              { return nil }

// What serve says that it serves on is what a client can be given: never an address that
// stands for all.
func TestServeNamesAnAddressThatClientsReach(t *testing.T) {
	names, err := certificate.Names("0.0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ listening, want string }{
		{"127.0.0.1:5000", "http://127.0.0.1:5000"},
		{"[::1]:5000", "http://[::1]:5000"},
		{"[::]:5000", "http://" + net.JoinHostPort(names[0], "5000") + ", and on this machine's other addresses"},
		{"0.0.0.0:5000", "http://" + net.JoinHostPort(names[0], "5000") + ", and on this machine's other addresses"},
	}
	for _, tt := range tests {
		if got := (&door{Listener: at(tt.listening)}).address(); got != tt.want {
			t.Errorf("address() of %s = %q, want %q", tt.listening, got, tt.want)
		}
	}
}
