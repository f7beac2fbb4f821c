package remote

import (
	"context"
	"errors"
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// MayPush tells whether the registry lets the client's credentials write to a repository.
// It opens an upload, which is the only way to ask, and abandons it: nothing is left but
// where the registry does not take uploads back before they expire.
func (c *Client) MayPush(ctx context.Context, repository string) (bool, error) {
	opening := call{
		op: "asking for permission to push", ref: c.host + "/" + repository, method: http.MethodPost,
		path:   "/v2/" + repository + "/blobs/uploads/",
		need:   access{repository: repository, push: true},
		accept: []int{http.StatusAccepted},
	}
	resp, err := c.do(ctx, opening)
	switch {
	case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrForbidden):
		return false, nil
	case err != nil:
		return false, err
	}
	drain(resp.Body)
	location, err := c.location(resp)
	if err != nil {
		return true, nil //nolint:nilerr // only the address is odd
	}
	closing := opening
	closing.op, closing.method, closing.url = "abandoning an upload", http.MethodDelete, location
	closing.accept = []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}
	if resp, err := c.do(ctx, closing); err == nil {
		drain(resp.Body)
	}
	return true, nil
}
