package remote

import (
	"context"
	"errors"
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// MayPush tells whether the registry lets the client's credentials write to a repository.
// It opens an upload, which is the only way to ask, and abandons it: nothing is left but
// where the registry does not take uploads back before they expire.
func (c *Client) MayPush(ctx context.Context, repository string) (bool, error) {
	opening := transport.Request{
		Op: "asking for permission to push", Ref: c.Host() + "/" + repository, Method: http.MethodPost,
		Path:   "/v2/" + repository + "/blobs/uploads/",
		Need:   transport.Access{Repository: repository, Push: true},
		Accept: []int{http.StatusAccepted},
	}
	resp, err := c.transport.Do(ctx, opening)
	switch {
	case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrForbidden):
		return false, nil
	case err != nil:
		return false, err
	}
	resp.Drain()
	location, err := c.transport.Location(resp)
	if err != nil {
		return true, nil //nolint:nilerr // only the address is odd
	}
	closing := opening
	closing.Op, closing.Method, closing.URL = "abandoning an upload", http.MethodDelete, location
	closing.Accept = []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}
	if resp, err := c.transport.Do(ctx, closing); err == nil {
		resp.Drain()
	}
	return true, nil
}
