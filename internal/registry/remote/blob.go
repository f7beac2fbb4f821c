package remote

import (
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
