package remote

import (
	"net/http"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

var secret = registrytest.Login{Username: "user", Password: "very-secret"}

func tokenClient(t *testing.T, handler http.Handler, opts Options) *Client {
	t.Helper()
	return newClient(t, registrytest.Serve(t, handler.ServeHTTP).Listener.Addr().String(), opts)
}

func newClient(t *testing.T, host string, opts Options) *Client {
	t.Helper()
	opts.CertsDirs = []string{}
	client, err := New(host, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
