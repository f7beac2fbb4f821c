package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
)

// PushBlob implements registry.Target. The blob goes in one body, which continues where
// the registry says it stands when it breaks, and in chunks to a registry that refuses
// large bodies. Where a journal is kept, see KeepUploads, a large one goes in pieces, and goes on
// where an earlier run left it.
func (c *Client) PushBlob(ctx context.Context, repository string, blob v1.Descriptor, body registry.Body, anew bool) (registry.Outcome, error) {
	u := &upload{client: c, repository: repository, blob: blob, body: body, handed: new(atomic.Int64)}
	u.anew = anew || c.isBroken(repository, blob)
	u.request = c.uploadRequest(repository, blob, "uploading blob")
	u.retry = c.transport.NewRetry(u.request.Op + " " + u.request.Ref)
	u.takeUp(ctx)
	defer u.claim.Release()
	for {
		outcome, err := u.step(ctx)
		if err == nil {
			u.claim.Forget()
			u.retry.Done()
			if err := u.replaced(ctx); err != nil {
				return 0, u.failure(err)
			}
			return outcome, nil
		}
		if err := u.recover(ctx, err); err != nil {
			u.leave(ctx, err)
			return 0, u.failure(err)
		}
		if u.done {
			u.claim.Forget()
			u.retry.Done()
			if err := u.replaced(ctx); err != nil {
				return 0, u.failure(err)
			}
			return registry.Uploaded, nil
		}
	}
}

// upload is one blob on its way.
type upload struct {
	client     *Client
	repository string
	blob       v1.Descriptor
	body       registry.Body
	anew       bool // whatever the registry says that it holds
	request    transport.Request
	retry      *transport.Retry

	at      *url.URL      // the open upload; nil where a new one has to be opened
	offset  int64         // what the registry has confirmed
	best    int64         // the furthest that offset has been
	handed  *atomic.Int64 // bytes given to the transport by the current body; an earlier one may still be read
	failed  atomic.Pointer[error]
	size    int64 // of the current request's body
	patched bool  // the current request is a PATCH
	unfit   bool  // a PATCH of this upload was refused as such
	pieced  bool  // the current request is a piece, see sendPiece
	claim   *uploads.Claim
	lost    int  // how often the upload was lost behind its first piece
	asked   bool // where it stands, since it last got on
	breaks  int
	invalid int
	done    bool
}

// step opens an upload if need be and sends what is left.
func (u *upload) step(ctx context.Context) (registry.Outcome, error) {
	u.handed = new(atomic.Int64)
	if u.at == nil {
		there, err := u.open(ctx)
		if err != nil || there {
			return registry.Existed, err
		}
	}
	if u.whole() {
		return registry.Uploaded, u.put(ctx, 0, u.blob.Size)
	}
	for u.offset < u.blob.Size {
		if err := u.patch(ctx); err != nil {
			return 0, err
		}
	}
	return registry.Uploaded, u.put(ctx, u.blob.Size, 0)
}

// whole tells whether the blob goes in one body.
func (u *upload) whole() bool {
	chunk := u.chunk()
	return u.offset == 0 && (chunk == 0 || chunk >= u.blob.Size) && !u.inPieces()
}

func (u *upload) chunk() int64 {
	style := &u.client.uploads
	style.mu.Lock()
	defer style.mu.Unlock()
	if style.noPatch {
		return 0
	}
	switch {
	case style.chunk > 0:
		return max(style.chunk, style.least)
	case u.breaks >= breaksBeforeChunks:
		return max(defaultChunk, style.least)
	}
	return 0
}

// Proxies end requests that take long: a large body that has broken twice goes in chunks.
const (
	breaksBeforeChunks = 2
	defaultChunk       = 64 << 20
	smallestChunk      = 256 << 10
)

// open begins an upload. Where the registry allows it, the same request tells whether the
// blob is there already.
func (u *upload) open(ctx context.Context) (there bool, err error) {
	request := u.request
	u.patched = false
	style := &u.client.uploads
	style.mu.Lock()
	check := !style.noCheck && !u.anew
	style.mu.Unlock()
	if check {
		request.Path += "?" + url.Values{"mount": {u.blob.Digest.String()}, "from": {u.repository}}.Encode()
	}
	resp, err := u.client.transport.Try(ctx, request)
	if check && failedCheck(err) {
		resp, err = u.client.transport.Try(ctx, u.request)
		if err == nil { // the check was at fault
			style.mu.Lock()
			style.noCheck = true
			style.mu.Unlock()
		}
	}
	if err != nil {
		return false, readOnly(err)
	}
	resp.Drain()
	if resp.StatusCode == http.StatusCreated {
		return true, nil
	}
	u.client.took.Store(true)
	style.heed(resp.Header)
	u.offset = 0
	if u.at, err = u.client.transport.Location(resp); err != nil {
		return false, err
	}
	u.note()
	return false, nil
}

// failedCheck tells that an upload may be opened where looking for the blob with the same
// request failed: it was refused, or the registry, or what is before it, fails at it. A
// registry that is busy is not asked twice.
func failedCheck(err error) bool {
	var (
		status  *transport.StatusError
		network *transport.NetError
	)
	switch {
	case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrUnreachable):
		return false
	case errors.As(err, &status):
		return !status.Busy()
	}
	return refusedMount(err) || errors.As(err, &network) && transport.Retryable(err)
}

// readOnly says of an error that the registry does not do what pushing begins or ends with at all: it
// is read-only, or a mirror of another one.
func readOnly(err error) error {
	var status *transport.StatusError
	if errors.As(err, &status) && (status.Code == http.StatusMethodNotAllowed || status.Code == http.StatusNotImplemented) {
		return fmt.Errorf("%w: %w", registry.ErrReadOnly, status)
	}
	return err
}

// heed learns from the opening of an upload how long chunks have to be.
func (s *uploadStyle) heed(header http.Header) {
	least, err := strconv.ParseInt(header.Get("OCI-Chunk-Min-Length"), 10, 64)
	if err != nil || least <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.least = least
}

// put sends size bytes from offset and closes the upload.
func (u *upload) put(ctx context.Context, offset, size int64) error {
	target := *u.at
	query := target.Query()
	query.Set("digest", u.blob.Digest.String())
	target.RawQuery = query.Encode()
	request := u.bodyRequest(http.MethodPut, &target, offset, size)
	request.Accept = []int{http.StatusCreated, http.StatusNoContent, http.StatusOK}
	resp, err := u.client.transport.Try(ctx, request)
	if err != nil {
		return u.blame(err)
	}
	resp.Drain()
	if handed := u.handed.Load(); handed < size {
		return u.confirmed(ctx, handed, size)
	}
	return nil
}

// patch sends the next chunk, or all that is left where there are no chunks.
func (u *upload) patch(ctx context.Context) error {
	if u.inPieces() {
		return u.sendPiece(ctx)
	}
	size := u.blob.Size - u.offset
	if chunk := u.chunk(); chunk > 0 {
		size = min(size, chunk)
	}
	request := u.bodyRequest(http.MethodPatch, u.at, u.offset, size)
	request.Header.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.offset+size-1))
	request.Accept = []int{http.StatusAccepted, http.StatusCreated, http.StatusNoContent, http.StatusOK}
	resp, err := u.client.transport.Try(ctx, request)
	if err != nil {
		return u.blame(err)
	}
	resp.Drain()
	return u.went(resp, u.offset+size)
}

// went notes that the registry has taken all before offset, and where the upload goes on.
func (u *upload) went(resp *transport.Response, offset int64) error {
	// Without a Location the upload goes on where it is.
	if resp.Header.Get("Location") != "" {
		at, err := u.client.transport.Location(resp)
		if err != nil {
			return err
		}
		u.at = at
	}
	u.reached(offset)
	u.note()
	u.rest()
	return nil
}

// rest gives up the place at the source, see registry.Body, before another at the target's
// gate is waited for.
func (u *upload) rest() { _, _ = u.body.From(u.offset) }

func (u *upload) reached(offset int64) {
	u.offset = offset
	if offset > u.best {
		u.retry.Moved(offset - u.best)
		u.best, u.asked = offset, false
	}
}

func (u *upload) bodyRequest(method string, target *url.URL, offset, size int64) transport.Request {
	request := u.request
	request.Method, request.URL, request.Size = method, target, size
	u.size, u.patched, u.pieced, u.handed = size, method == http.MethodPatch, false, new(atomic.Int64)
	request.Header = http.Header{"Content-Type": {"application/octet-stream"}}
	request.Body = func() (io.Reader, error) {
		if size == 0 && u.blob.Size > 0 {
			return strings.NewReader(""), nil // all has been sent
		}
		content, err := u.body.From(offset)
		if err != nil {
			return nil, err
		}
		if size == 0 { // nothing is read of such a body, and so nothing would be checked
			if _, err := io.ReadFull(content, make([]byte, 1)); !errors.Is(err, io.EOF) {
				err = cmp.Or(err, errors.New("the content goes on beyond its end"))
				u.failed.Store(&err)
				return nil, err
			}
			return content, nil
		}
		u.handed = new(atomic.Int64)
		return &handedOver{upload: u, handed: u.handed, content: io.LimitReader(content, size)}, nil
	}
	return request
}

// handedOver notes how far a body has got, and why it ended where that was not the target's doing.
type handedOver struct {
	upload  *upload
	handed  *atomic.Int64
	content io.Reader
}

func (h *handedOver) Read(p []byte) (int, error) {
	n, err := h.content.Read(p)
	h.handed.Add(int64(n))
	if err != nil && err != io.EOF && !errors.Is(err, registry.ErrSuperseded) {
		h.upload.failed.Store(&err)
	}
	return n, err
}

// blame names the source's error where it ended the upload.
func (u *upload) blame(err error) error {
	if failed := u.failed.Load(); failed != nil {
		return &sourceErr{*failed}
	}
	return err
}

// failure is the error that an upload ends with; what the source has said is passed on.
func (u *upload) failure(err error) error {
	var source *sourceErr
	if errors.As(err, &source) {
		return source.err
	}
	return u.client.transport.Failure(u.request, err)
}

// sourceErr is an upload that ended because its content could not be had.
type sourceErr struct{ err error }

func (e *sourceErr) Error() string { return e.err.Error() }
func (e *sourceErr) Unwrap() error { return e.err }

// uploadedBytes reads "0-24", which some registries write for an empty upload as "0-0".
func uploadedBytes(header string) int64 {
	_, last, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	end, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || end <= 0 {
		return 0
	}
	return end + 1
}
