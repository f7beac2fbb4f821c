package remote

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// uploadStyle is what a run has learned about how the registry takes blobs.
type uploadStyle struct {
	mu sync.Mutex
	// chunk is the size of the pieces in which blobs are sent; 0 sends each whole.
	chunk int64
	// least is how long the registry says that a chunk has to be, but for the last.
	least int64
	// noPatch: the registry takes blobs whole only.
	noPatch bool
	// noPieces: it does not take blobs in pieces of unknown length, or no second piece.
	noPieces bool
	// noCheck: the registry does not like a mount from the same repository, which
	// otherwise tells whether the blob is there and opens an upload in one request.
	noCheck bool
}

// MountBlob implements registry.Target. A registry that refuses a mount may open an
// upload instead: PushBlob uses it.
func (c *Client) MountBlob(ctx context.Context, repository string, blob v1.Descriptor, from string) (bool, error) {
	request := c.uploadRequest(repository, blob, "mounting blob")
	request.Path += "?" + url.Values{"mount": {blob.Digest.String()}, "from": {from}}.Encode()
	request.Need.From = from
	resp, err := c.transport.Do(ctx, request)
	if refusedMount(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	resp.Drain()
	if resp.StatusCode == http.StatusCreated {
		return true, nil
	}
	if location, err := c.transport.Location(resp); err == nil {
		c.keepSession(repository, blob, location.String())
	}
	return false, nil
}

// refusedMount tells that a registry does not mount this blob: any answer that is final,
// for Harbor says 401 and others 403, 404 or 405, and some token servers grant one repository
// a request only. Nor does a registry that fails at mounts, and only there, however often it is
// asked. What is really wrong shows in the upload.
func refusedMount(err error) bool {
	var (
		status *transport.StatusError
		token  *transport.TokenError
		over   *transport.GaveUpError
	)
	return errors.As(err, &over) || !transport.Retryable(err) && (errors.As(err, &status) || errors.As(err, &token))
}

func (c *Client) uploadRequest(repository string, blob v1.Descriptor, op string) transport.Request {
	return transport.Request{
		Op: op, Ref: c.refOf(repository, blob.Digest.String()), Method: http.MethodPost,
		Path:   "/v2/" + repository + "/blobs/uploads/",
		Need:   transport.Access{Repository: repository, Push: true},
		Accept: []int{http.StatusCreated, http.StatusAccepted},
	}
}

func (c *Client) keepSession(repository string, blob v1.Descriptor, location string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[repository+"@"+blob.Digest.String()] = location
}

func (c *Client) takeSession(repository string, blob v1.Descriptor) *url.URL {
	key := repository + "@" + blob.Digest.String()
	c.mu.Lock()
	defer c.mu.Unlock()
	location, ok := c.sessions[key]
	delete(c.sessions, key)
	if !ok {
		return nil
	}
	parsed, err := url.Parse(location)
	if err != nil {
		return nil
	}
	return parsed
}

var _ registry.Target = (*Client)(nil)
