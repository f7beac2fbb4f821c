package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// recover finds out how an upload that failed can go on, and waits as long as the registry
// asks. It returns the error to give up with.
func (u *upload) recover(ctx context.Context, err error) error {
	var source *sourceErr
	if errors.As(err, &source) {
		return source
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var status *transport.StatusError
	if errors.As(err, &status) {
		switch {
		case status.Code == http.StatusRequestEntityTooLarge && !errors.Is(status, registry.ErrQuota):
			return u.smaller(ctx, status)
		case u.pieced && refusesPieces(status) && !sessionLost(status):
			return u.unpieced()
		case u.patched && unsupportedPatch(status):
			return u.unchunked(status)
		case status.Has("DIGEST_INVALID"):
			return u.invalidDigest(ctx, status)
		case sessionLost(status) && u.at != nil:
			return u.lose(ctx, status)
		}
	}
	if !transport.Retryable(err) {
		return err
	}
	return u.resume(ctx, err)
}

// resume waits and asks the registry where the upload stands.
func (u *upload) resume(ctx context.Context, err error) error {
	u.rest()
	handed := u.handed.Load()
	if handed > 0 {
		u.breaks++
	}
	if waitErr := u.retry.Wait(ctx, err); waitErr != nil {
		return waitErr
	}
	if u.at == nil || handed == 0 && u.offset < u.blob.Size {
		return nil // refused before the first byte: the upload is as it was
	}
	if u.offset+handed >= u.blob.Size && !u.patched { // no piece makes a blob
		there, err := u.client.HasBlob(u.retry.Within(ctx), u.repository, u.blob)
		if err != nil {
			return err
		}
		if there {
			u.done = true
			return nil
		}
	}
	return u.ask(ctx)
}

// ask sets offset and location to what the registry has of the upload. One that it does
// not know any more, or of which it cannot tell, starts again.
func (u *upload) ask(ctx context.Context) error {
	request := u.request
	request.Method, request.URL = http.MethodGet, u.at
	request.Accept = []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}
	resp, err := u.client.transport.Do(u.retry.Within(ctx), request)
	if err != nil {
		var status *transport.StatusError
		if !errors.As(err, &status) || status.Passing() {
			return err
		}
		u.forget()
		return nil
	}
	resp.Drain()
	if stands, ok := u.canGoOn(resp); ok {
		return u.went(resp, stands)
	}
	u.abandon(ctx)
	u.forget()
	return nil
}

// canGoOn reads from an answer how far the upload has come, and tells whether that is of use.
func (u *upload) canGoOn(resp *transport.Response) (stands int64, ok bool) {
	stands = uploadedBytes(resp.Header.Get("Range"))
	return stands, stands > 1 && stands <= u.blob.Size && (stands == u.blob.Size || !u.noPatch())
}

func (u *upload) forget() {
	u.at, u.offset = nil, 0
	u.rest()
}

func (u *upload) noPatch() bool {
	style := &u.client.uploads
	style.mu.Lock()
	defer style.mu.Unlock()
	return style.noPatch
}

func unsupportedPatch(status *transport.StatusError) bool {
	return status.Code == http.StatusMethodNotAllowed || status.Code == http.StatusNotImplemented || status.Has("UNSUPPORTED")
}

// sessionLost tells that the registry does not go on with this upload.
func sessionLost(status *transport.StatusError) bool {
	return status.Has("BLOB_UPLOAD_UNKNOWN") || status.Has("BLOB_UPLOAD_INVALID") || status.Has("RANGE_INVALID") ||
		status.Code == http.StatusRequestedRangeNotSatisfiable || status.Code == http.StatusNotFound && !status.Has("NAME_UNKNOWN")
}

// lose begins anew, or goes on where the upload turns out to stand. One that is lost behind its
// first piece for the second time is of a registry that takes one piece only.
func (u *upload) lose(ctx context.Context, status *transport.StatusError) error {
	if u.pieced && u.offset > 0 {
		u.lost++
	}
	if u.lost > 1 {
		return u.unpieced()
	}
	return u.restart(ctx, status)
}

// restart begins anew. Where the registry only says that the upload stands elsewhere it is asked
// first, once: what an earlier connection had on its way may still have arrived.
func (u *upload) restart(ctx context.Context, err *transport.StatusError) error {
	if waitErr := u.retry.Wait(ctx, err); waitErr != nil {
		return waitErr
	}
	if u.at != nil && !u.asked && standsElsewhere(err) {
		u.asked = true
		return u.ask(ctx)
	}
	u.forget()
	return nil
}

func standsElsewhere(status *transport.StatusError) bool {
	return status.Has("RANGE_INVALID") || status.Code == http.StatusRequestedRangeNotSatisfiable
}

// invalidDigest starts once again: our side has checked what it read, so that the bytes were
// changed on the way, or were wrong in what an earlier run had sent.
func (u *upload) invalidDigest(ctx context.Context, status *transport.StatusError) error {
	if u.invalid++; u.invalid > 1 {
		return fmt.Errorf("%w: the registry received other bytes than were sent: %w", registry.ErrDigestMismatch, status)
	}
	return u.restart(ctx, status)
}

// smaller goes on with less at once. Who refuses a body may have passed on what came before its bound.
func (u *upload) smaller(ctx context.Context, status *transport.StatusError) error {
	u.rest() // not under the lock: who waits for that may hold the place that our reader waits for
	if err := u.halve(status); err != nil || u.at == nil || u.handed.Load() == 0 {
		return err // where nothing was sent the upload is as it was
	}
	return u.ask(ctx)
}

// halve halves the size of what is sent at once, for this run: a proxy before the registry refuses
// larger bodies.
func (u *upload) halve(status *transport.StatusError) error {
	style := &u.client.uploads
	style.mu.Lock()
	defer style.mu.Unlock()
	if style.chunk > 0 && max(style.chunk, style.least) < u.size && !style.noPatch {
		return nil // another upload has found out already
	}
	next := min(u.size/2, defaultChunk)
	if style.noPatch || next < smallestChunk || next < style.least {
		return &tooLargeErr{status}
	}
	style.chunk = next
	u.client.transport.Notice("refuses bodies of %d bytes: sending chunks of %d", u.size, next)
	u.client.transport.CountRetry()
	return nil
}

// tooLargeErr is a body that cannot be cut into pieces that would be taken.
type tooLargeErr struct{ *transport.StatusError }

func (e *tooLargeErr) Is(target error) bool { return target == registry.ErrTooLarge }
func (e *tooLargeErr) Unwrap() error        { return e.StatusError }

// unchunked sends blobs whole from now on.
func (u *upload) unchunked(status *transport.StatusError) error {
	u.rest() // as in smaller
	style := &u.client.uploads
	style.mu.Lock()
	defer style.mu.Unlock()
	if u.unfit {
		return status
	}
	if !style.noPatch { // else another upload, under way like this one, has found out already
		style.noPatch = true
		u.client.transport.Notice("takes no chunks: sending blobs whole")
	}
	u.client.transport.CountRetry()
	u.unfit = true
	u.forget()
	return nil
}

// abandonTimeout bounds the courtesy of telling the registry that an upload has ended.
const abandonTimeout = time.Second

// abandon tells the registry that nothing more will come, so that it can free the space.
// Whether that succeeds does not matter.
func (u *upload) abandon(ctx context.Context) {
	if u.at == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	request := u.request
	request.Method, request.URL = http.MethodDelete, u.at
	request.Accept = []int{http.StatusNoContent, http.StatusAccepted, http.StatusOK}
	if resp, err := u.client.transport.Try(ctx, request); err == nil {
		resp.Drain()
	}
}
