package remote

import (
	"context"
	"errors"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/download"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// HasBlob implements registry.Target with one HEAD. A redirect means that the blob is there:
// the address it leads to may be signed for another method. What is there with another size is
// no such blob: stores keep what was left of an upload that broke. Where HEAD is refused, one
// GET more asks for the first byte. A registry that answers neither is taken to lack the blob:
// the upload finds out.
func (c *Client) HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error) {
	style := &c.heads.blobs
	if style.useless.Load() {
		return c.hasByGet(ctx, repository, blob)
	}
	resp, err := c.transport.Do(ctx, c.blobRequest(http.MethodHead, repository, blob, finalAnswers...))
	switch {
	case errors.Is(err, registry.ErrNotFound):
		if style.works.Load() || c.pushes {
			return false, nil
		}
	case err != nil && !refusedAccess(err):
		return false, err
	case err == nil:
		resp.Drain()
		if there := isThere(resp.StatusCode); there {
			style.works.Store(true)
			return c.hasSize(repository, blob, resp, resp.ContentLength), nil
		}
	}
	has, err := c.hasByGet(ctx, repository, blob)
	if has {
		style.useless.Store(true)
	}
	return has, err
}

func isThere(status int) bool {
	return status == http.StatusOK || status == http.StatusPartialContent || slices.Contains(transport.Redirects, status)
}

func (c *Client) blobRequest(method, repository string, blob v1.Descriptor, also ...int) transport.Request {
	return transport.Request{
		Op: "looking for blob", Ref: c.refOf(repository, blob.Digest.String()), Method: method,
		Path: "/v2/" + repository + "/blobs/" + blob.Digest.String(), Need: transport.Access{Repository: repository},
		Accept: slices.Concat([]int{http.StatusOK}, transport.Redirects, also), Stay: true,
	}
}

// hasByGet asks for the first byte, and reads none.
func (c *Client) hasByGet(ctx context.Context, repository string, blob v1.Descriptor) (bool, error) {
	request := c.blobRequest(http.MethodGet, repository, blob, http.StatusPartialContent)
	request.Header = http.Header{"Range": {"bytes=0-0"}}
	resp, err := c.transport.Do(ctx, request)
	var status *transport.StatusError
	switch {
	case refusedAccess(err):
		return false, c.unlessReadable(ctx, repository, err)
	case errors.As(err, &status) && (status.Code == http.StatusNotFound || slices.Contains(finalAnswers, status.Code)),
		errors.As(err, &status) && status.Code == http.StatusRequestedRangeNotSatisfiable:
		return false, nil
	case err != nil:
		return false, err
	}
	_ = resp.Body.Close()
	size := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		size = download.WholeSize(resp.Header.Get("Content-Range"))
	}
	return c.hasSize(repository, blob, resp, size), nil
}

// unlessReadable is a refusal, but where the repository can be read, or does not exist: then
// it stands for a blob that is not there.
func (c *Client) unlessReadable(ctx context.Context, repository string, refused error) error {
	if _, err := c.names(ctx, repository, ""); err == nil || errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	return refused
}

// hasSize tells whether what is there may be the blob: of its size, or of one that nobody has
// said.
func (c *Client) hasSize(repository string, blob v1.Descriptor, resp *transport.Response, size int64) bool {
	if size < 0 || size == blob.Size || resp.Encoded() || slices.Contains(transport.Redirects, resp.StatusCode) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken[repository+"@"+blob.Digest.String()] = true
	return false
}

// replaced looks again, after its upload, at a blob that the registry had with another size: some
// confirm what they are sent, and keep what they have.
func (u *upload) replaced(ctx context.Context) error {
	c := u.client
	if !c.isBroken(u.repository, u.blob) {
		return nil
	}
	has, err := c.hasByGet(ctx, u.repository, u.blob) // what HEAD says has been wrong once
	if err != nil {
		return err
	}
	if !has {
		return registry.ErrKeepsOther
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.broken, u.repository+"@"+u.blob.Digest.String())
	return nil
}

// isBroken tells of a blob that the registry has with another size: it would confirm it
// without looking.
func (c *Client) isBroken(repository string, blob v1.Descriptor) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken[repository+"@"+blob.Digest.String()]
}
