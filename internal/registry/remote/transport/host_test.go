package transport

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// listsTags is a registry whose first answer is left to first.
func listsTags(first http.HandlerFunc) http.HandlerFunc {
	var requests atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 && first != nil {
			first(w, r)
			return
		}
		fmt.Fprint(w, `{"tags":["v1"]}`)
	}
}

// A 400 may mean that the registry speaks TLS. Where nobody does, it is what it is, and the
// registry is spoken to as before.
func TestBadRequestChangesNoScheme(t *testing.T) {
	client := tokenClient(t, listsTags(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
	}), Options{})
	if _, err := client.Tags(context.Background(), "a"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("Tags() = %v, want what the registry answered", err)
	}
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Errorf("Tags() again = %v, want no error", err)
	}
	if got := client.opts.Traffic.Requests.Load(); got != 2 {
		t.Errorf("%d requests are counted, want 2", got)
	}
}

func TestFirstConnectionThatBreaksChangesNoScheme(t *testing.T) {
	client := tokenClient(t, listsTags(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), Options{})
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Errorf("Tags() = %v, want no error", err)
	}
}

var quiet = log.New(io.Discard, "", 0)

func tlsRegistry(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(listsTags(nil))
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestRegistryOnLoopbackMaySpeakTLS(t *testing.T) {
	server := tlsRegistry(t)
	host := strings.TrimPrefix(server.URL, "https://")
	client := newClient(t, host, Options{})
	_, err := client.Tags(context.Background(), "a")
	var wrong *registry.CertificateError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "certificate") || wrong.Problem != registry.CertificateUntrusted || wrong.Host != host {
		t.Errorf("Tags() = %v, want that nobody trusts the certificate", err)
	}
	client = newClient(t, host, Options{})
	client.transport.TLSClientConfig.InsecureSkipVerify = true // as if the system trusted it
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Errorf("Tags() = %v, want no error", err)
	}
}

func TestRegistryOnLoopbackMaySpeakPlainHTTP(t *testing.T) {
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tlsRegistry(t).Certificate().Raw})
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	client := tokenClient(t, listsTags(nil), Options{CAFile: file})
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Errorf("Tags() = %v, want no error", err)
	}
}
