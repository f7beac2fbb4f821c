package remote

import (
	"context"
	"errors"
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
)

// journalFrom is the size from which an upload is worth being noted: below it, to send what an
// earlier run has sent costs no more than to ask for it.
const journalFrom = 8 << 20

// KeepUploads notes the uploads of large blobs in a journal while they are open, and goes on with
// those that an earlier run has left there. It is called before the first upload; nil, as at the
// beginning, notes nothing.
func (c *Client) KeepUploads(journal *uploads.Journal) { c.journal = journal }

// takeUp finds an open upload of the blob: one that an earlier run has left, or that a mount which
// was refused has opened.
func (u *upload) takeUp(ctx context.Context) {
	u.at = u.client.takeSession(u.repository, u.blob)
	if u.anew || u.blob.Size < journalFrom {
		return
	}
	u.claim = u.client.journal.Claim(u.client.Host(), u.repository, u.blob.Digest)
	if address := u.claim.Address(); address != "" {
		u.goOnAt(ctx, address)
	}
}

// goOnAt asks how far an upload has come that an earlier run has left. One that is gone, or that
// the registry does not want to tell of, is forgotten. So is one at which the registry fails
// where it answers otherwise: the blob does not depend on it.
func (u *upload) goOnAt(ctx context.Context, address string) {
	request := u.request
	request.Method, request.Path = http.MethodGet, address
	request.Accept = []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}
	for {
		resp, err := u.client.transport.Try(ctx, request)
		if err == nil {
			u.goOn(resp)
			return
		}
		var status *transport.StatusError
		answered := errors.As(err, &status)
		if ctx.Err() != nil || !answered && !transport.Retryable(err) {
			return
		}
		if answered && (!status.Passing() || status.Code == http.StatusInternalServerError) {
			u.claim.Forget()
			return
		}
		if u.retry.Wait(ctx, err) != nil {
			return
		}
	}
}

// goOn goes on with an earlier run's upload, as far as the registry says that it has come.
func (u *upload) goOn(resp *transport.Response) {
	resp.Drain()
	stands, ok := u.canGoOn(resp)
	if !ok {
		u.claim.Forget()
		return
	}
	opened := u.at
	u.at = resp.Request.URL
	if u.went(resp, stands) != nil {
		u.at, u.offset = opened, 0
		u.claim.Forget()
		return
	}
	u.client.transport.Notice("has %d of %d bytes of %s from an earlier run: going on from there", stands, u.blob.Size, u.request.Ref)
}

// note keeps where the upload goes on. A journal that cannot be written costs nothing but what the
// next run would have saved.
func (u *upload) note() {
	if err := u.claim.Note(u.at); err != nil {
		u.client.unnoted.Do(func() { u.client.transport.Notice("open uploads cannot be noted: %v", err) })
	}
}

// leave ends an upload that came to nothing. What the next run can go on with stays; of the rest
// the registry is told that nothing more comes.
func (u *upload) leave(ctx context.Context, err error) {
	sent := u.offset + u.handed.Load()
	if u.at != nil && sent > 0 && u.claim.Address() != "" && mayGoOn(err) {
		return
	}
	u.claim.Forget()
	u.abandon(ctx)
}

// mayGoOn tells that what ended an upload is not about the blob, nor final: an interruption, an
// outage on either side, a password that has expired.
func mayGoOn(err error) bool {
	var status *transport.StatusError
	switch {
	case errors.Is(err, registry.ErrDigestMismatch):
		return false
	case errors.As(err, &status):
		return status.Passing() || status.Code == http.StatusUnauthorized
	}
	return true
}
