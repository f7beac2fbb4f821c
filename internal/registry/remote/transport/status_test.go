package transport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// A refusal that is read to its end keeps its details and its connection.
func TestRefusalsKeepTheirConnection(t *testing.T) {
	connections := map[string]bool{}
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"gone"}]}`+strings.Repeat(" ", 2*mostDetails))
	}), Options{Jobs: 1})
	for range 3 {
		if _, err := client.Tags(t.Context(), "a"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Tags() = %v, want ErrNotFound", err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for three refusals, want one", len(connections))
	}
}

// A registry that asks for more time than anybody has is not asked again.
func TestAHugeRetryAfterIsObeyed(t *testing.T) {
	asked := 0
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "99999999999999")
		w.WriteHeader(http.StatusServiceUnavailable)
	}), Options{})
	_, err := client.Tags(t.Context(), "a")
	if err == nil || !strings.Contains(err.Error(), "gave up: it says to come back in 8760h0m0s") || asked != 1 {
		t.Errorf("Tags() = %v after %d requests, want one and that the registry asks for too long", err, asked)
	}
}
