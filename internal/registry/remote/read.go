package remote

import (
	"context"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/download"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// Blob implements registry.Source. What breaks off or stalls is continued from the last
// byte; from a registry that does not serve ranges, what was read is read again.
func (c *Client) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	request := transport.Request{
		Op: "fetching blob", Ref: c.refOf(repository, blob.Digest.String()), Method: http.MethodGet,
		Path: "/v2/" + repository + "/blobs/" + blob.Digest.String(), Need: transport.Access{Repository: repository},
	}
	d := download.Of(ctx, c.transport, request, blob, from, to)
	if from < to {
		if err := d.Open(); err != nil {
			return registry.Content{}, err
		}
	}
	return registry.Content{ReadCloser: d, Permit: registry.Permit{Release: d.Rest}, Whole: d.End() != to, Skipped: d.Skipped()}, nil
}

// InPieces implements registry.Source: each connection may have a bandwidth of its own.
func (c *Client) InPieces() bool { return true }

var _ registry.Source = (*Client)(nil)
