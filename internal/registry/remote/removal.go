package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// DeleteManifest removes a manifest by its digest, with all tags that lead to it, or by a tag, which
// removes that tag alone at registries that follow version 1.1 of the distribution specification.
// What is not there is ErrNotFound; ErrKeeps says that the registry deletes nothing of the kind.
func (c *Client) DeleteManifest(ctx context.Context, repository, reference string) error {
	request := c.manifestRequest(http.MethodDelete, "deleting manifest", repository, reference)
	request.Header = nil
	return c.remove(ctx, request)
}

// DeleteBlob removes a blob from a repository; the rules of DeleteManifest hold.
func (c *Client) DeleteBlob(ctx context.Context, repository, digest string) error {
	return c.remove(ctx, transport.Request{
		Op: "deleting blob", Ref: c.refOf(repository, digest), Method: http.MethodDelete,
		Path: "/v2/" + repository + "/blobs/" + digest, Need: transport.Access{Repository: repository},
	})
}

func (c *Client) remove(ctx context.Context, request transport.Request) error {
	request.Need.Delete = true
	request.Accept = []int{http.StatusAccepted, http.StatusOK, http.StatusNoContent}
	resp, err := c.transport.Do(ctx, request)
	if err == nil {
		resp.Drain()
		return nil
	}
	var status *transport.StatusError
	if errors.As(err, &status) && (status.Code == http.StatusMethodNotAllowed || status.Code == http.StatusNotImplemented || status.Has("UNSUPPORTED")) {
		return c.transport.Failure(request, fmt.Errorf("%w: %w", registry.ErrKeeps, status))
	}
	return err
}
