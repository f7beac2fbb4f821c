package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// wantsClients is a server that speaks TLS 1.3 alone, with clients that ca has signed.
func wantsClients(t *testing.T, ca *registrytest.CA) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.Method {
		case http.MethodPost:
			w.Header().Set("Location", "/v2/a/blobs/uploads/1")
			w.WriteHeader(http.StatusAccepted)
		case http.MethodPut:
			w.WriteHeader(http.StatusAccepted)
		default:
			fmt.Fprint(w, `{"tags":["1"]}`)
		}
	}))
	server.TLS = &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
		Certificates: []tls.Certificate{ca.Issue(t, "server").TLS},
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// keep puts a client's certificate where docker looks for the host's.
func keepCertificate(t *testing.T, host string, certificate registrytest.Certificate) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, host), 0o700); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{certificate.CertFile: "client.cert", certificate.KeyFile: "client.key"} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, host, to), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Under TLS 1.3 a server refuses a client only after the client believes the handshake done. That
// too is no outage, to be tried again, but somebody whose certificate is wanted.
func TestClientCertificatesUnderTLS13(t *testing.T) {
	ca, other := registrytest.NewCA(t), registrytest.NewCA(t)
	server := wantsClients(t, ca)
	host := server.Listener.Addr().String()
	tests := []struct {
		name   string
		dir    string
		wanted bool
	}{
		{"its own", keepCertificate(t, host, ca.Issue(t, "client")), false},
		{"none", t.TempDir(), true},
		{"a stranger's", keepCertificate(t, host, other.Issue(t, "client")), true},
	}
	for _, tt := range tests {
		client, err := New(host, Options{CAFile: ca.File, CertsDirs: []string{tt.dir}})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, listErr := verbs{client}.Tags(t.Context(), "a")
		pushErr := verbs{client}.push(t.Context(), make([]byte, 4<<20))
		for _, err := range []error{listErr, pushErr} {
			var problem *registry.CertificateError
			if !tt.wanted && err != nil || tt.wanted && (!errors.As(err, &problem) || problem.Problem != registry.CertificateWanted) {
				t.Errorf("with the certificate %s: %v, want a certificate to be wanted: %t", tt.name, err, tt.wanted)
			}
		}
		if client.Retries() != 0 {
			t.Errorf("with the certificate %s: %d retries, want none", tt.name, client.Retries())
		}
	}
}
