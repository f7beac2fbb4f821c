package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// drip answers with a status and a body that never stalls and never ends.
func drip(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		piece := strings.Repeat(" ", 1<<10)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// A body of which only the end is awaited holds nobody up for longer than a stall.
func TestBodiesThatDripAreCut(t *testing.T) {
	const stall = 400 * time.Millisecond
	tests := []struct {
		name   string
		status int
		call   func(context.Context, *Client) error
		want   error
	}{
		{"a refusal", http.StatusNotFound, func(ctx context.Context, c *Client) error {
			_, err := c.Manifest(ctx, "a", "v1")
			return err
		}, registry.ErrNotFound},
		{"no credentials", http.StatusUnauthorized, func(ctx context.Context, c *Client) error {
			_, err := c.Manifest(ctx, "a", "v1")
			return err
		}, registry.ErrUnauthorized},
		{"a success", http.StatusCreated, func(ctx context.Context, c *Client) error {
			m, err := registry.NewManifest("application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
			if err != nil {
				return err
			}
			return c.PushManifest(ctx, "a", "v1", m)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := tokenClient(t, drip(tt.status), Options{Jobs: 1, StallTimeout: stall})
			started := time.Now()
			for range 2 { // the second waits for the first one's place
				if err := tt.call(t.Context(), client); !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
			}
			if took := time.Since(started); took > 2*stall+time.Second {
				t.Errorf("took %s, want two stall timeouts of %s", took, stall)
			}
		})
	}
}

// A refusal that is read to its end keeps its details and its connection.
func TestRefusalsKeepTheirConnection(t *testing.T) {
	connections := map[string]bool{}
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"gone"}]}`+strings.Repeat(" ", 2*mostDetails))
	}), Options{Jobs: 1})
	for range 3 {
		if _, err := client.Manifest(t.Context(), "a", "v1"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Manifest() = %v, want ErrNotFound", err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for three refusals, want one", len(connections))
	}
}

func TestRetryAfterIsNeverTooLongToRead(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]time.Duration{
		"9999":                          9999 * time.Second,
		"31536000":                      longestRetryAfter,
		"31536001":                      longestRetryAfter,
		"2147483648":                    longestRetryAfter,
		"99999999999999":                longestRetryAfter,
		"99999999999999999999999999999": longestRetryAfter,
		"Fri, 31 Dec 9999 23:59:59 GMT": longestRetryAfter,
	}
	for value, want := range tests {
		if got, ok := parseRetryAfter(value, now); got != want || !ok {
			t.Errorf("parseRetryAfter(%q) = %s, %t, want %s, true", value, got, ok, want)
		}
	}
	if got, ok := parseRetryAfter("-99999999999999999999999", now); ok {
		t.Errorf("parseRetryAfter of a negative number = %s, true, want false", got)
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
	_, err := client.Manifest(t.Context(), "a", "v1")
	if err == nil || !strings.Contains(err.Error(), "gave up: the next try would be in 8760h0m0s") || asked != 1 {
		t.Errorf("Manifest() = %v after %d requests, want one and that the registry asks for too long", err, asked)
	}
}
