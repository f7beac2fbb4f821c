package remote

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// mostFailedMounts is how many mounts in a row may fail at a registry that works otherwise, until the
// run tries none any more.
const mostFailedMounts = 3

// MountBlob implements registry.Target. A registry that refuses a mount may open an
// upload instead: PushBlob uses it.
func (c *Client) MountBlob(ctx context.Context, repository string, blob v1.Descriptor, from string) (bool, error) {
	if c.failedMounts.Load() >= mostFailedMounts {
		return false, nil
	}
	request := c.uploadRequest(repository, blob, "mounting blob")
	request.Path += "?" + url.Values{"mount": {blob.Digest.String()}, "from": {from}}.Encode()
	request.Need.From = from
	tries := 0
	request.Enough = func(ctx context.Context, cause error) bool {
		tries++
		return tries > 1 && c.failsAtMounts(ctx, cause, from, blob)
	}
	resp, err := c.transport.Do(ctx, request)
	if refusedMount(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.failedMounts.Store(0)
	resp.Drain()
	if resp.StatusCode == http.StatusCreated {
		c.took.Store(true)
		return true, nil
	}
	if location, err := c.transport.Location(resp); err == nil {
		c.keepSession(repository, blob, location.String())
	}
	return false, nil
}

// failsAtMounts tells of a mount that failed whether it is only that: where the registry answers when
// it is asked for the blob there is no outage to wait for. One that is busy is not asked.
func (c *Client) failsAtMounts(ctx context.Context, cause error, from string, blob v1.Descriptor) bool {
	var status *transport.StatusError
	if errors.As(cause, &status) && status.Busy() {
		return false
	}
	resp, err := c.transport.Try(ctx, c.blobRequest(http.MethodHead, from, blob))
	if err == nil {
		resp.Drain()
	}
	if err != nil && (!errors.As(err, &status) || status.Passing()) {
		return false
	}
	c.failedMounts.Add(1)
	return true
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
