package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// drip answers with a status and a body that never stalls and never ends.
func drip(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut { // else it is looked for, which is another matter
			digest, _, _ := v1.SHA256(r.Body)
			w.Header().Set("Docker-Content-Digest", digest.String())
		}
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
			m, err := oci.New("application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
			if err != nil {
				return err
			}
			_, err = c.PushManifest(ctx, "a", "v1", m)
			return err
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
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("took %s, want two stall timeouts of %s or a little more", took, stall)
			}
		})
	}
}
