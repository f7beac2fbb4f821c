package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// beginUpload mounts a blob where that is asked for and possible; else an upload begins, and
// is over at once where the request brings the whole blob.
func (h *Handler) beginUpload(w http.ResponseWriter, r *http.Request, at route) {
	if !writableName(w, at.repository) {
		return
	}
	query := r.URL.Query()
	if digest, err := v1.NewHash(query.Get("mount")); err == nil {
		mounted, err := h.writable.Mount(r.Context(), at.repository, digest, query.Get("from"))
		if err != nil {
			notKept(w, err)
			return
		}
		if mounted {
			created(w, "/v2/"+at.repository+"/blobs/", digest)
			return
		}
	}
	incoming, err := h.writable.Receive(r.Context())
	if err != nil {
		notKept(w, err)
		return
	}
	u := h.uploads.add(at.repository, incoming)
	defer u.release()
	if query.Has("digest") {
		h.finish(w, r, u)
		return
	}
	u.stands(w, http.StatusAccepted)
}

// whereUpload tells how much of an upload has arrived.
func (h *Handler) whereUpload(w http.ResponseWriter, _ *http.Request, at route) {
	if u := h.uploads.acquire(w, at); u != nil {
		defer u.release()
		u.stands(w, http.StatusNoContent)
	}
}

// appendUpload takes in a part of a blob. What arrives of a request that breaks off is kept.
func (h *Handler) appendUpload(w http.ResponseWriter, r *http.Request, at route) {
	u := h.uploads.acquire(w, at)
	if u == nil {
		return
	}
	defer u.release()
	if u.takeIn(w, r) {
		u.stands(w, http.StatusAccepted)
	}
}

// finishUpload takes in the rest of a blob, if it brings any, and keeps the whole.
func (h *Handler) finishUpload(w http.ResponseWriter, r *http.Request, at route) {
	if u := h.uploads.acquire(w, at); u != nil {
		defer u.release()
		h.finish(w, r, u)
	}
}

func (h *Handler) finish(w http.ResponseWriter, r *http.Request, u *upload) {
	digest, ok := digestOf(w, r.URL.Query().Get("digest"))
	if !ok || !u.takeIn(w, r) {
		return
	}
	err := u.incoming.Keep(r.Context(), u.repository, digest)
	h.uploads.remove(u)
	switch {
	case errors.Is(err, registry.ErrDigestMismatch):
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", "what was uploaded has another digest")
	case err != nil:
		notKept(w, err)
	default:
		created(w, "/v2/"+u.repository+"/blobs/", digest)
	}
}

// cancelUpload ends an upload whose blob is not wanted any more.
func (h *Handler) cancelUpload(w http.ResponseWriter, _ *http.Request, at route) {
	if u := h.uploads.acquire(w, at); u != nil {
		defer u.release()
		h.uploads.remove(u)
		w.WriteHeader(http.StatusNoContent)
	}
}

// takeIn writes what a request brings behind what is there. It has answered where it returns
// false.
func (u *upload) takeIn(w http.ResponseWriter, r *http.Request) bool {
	if header := r.Header.Get("Content-Range"); header != "" {
		first, length, err := contentRange(header)
		switch {
		case err != nil || r.ContentLength >= 0 && r.ContentLength != length:
			fail(w, http.StatusBadRequest, "SIZE_INVALID", "Content-Range and the length of the body do not go together")
			return false
		case first != u.incoming.Size():
			u.says(w)
			fail(w, http.StatusRequestedRangeNotSatisfiable, "RANGE_INVALID", fmt.Sprintf("%d bytes are here", u.incoming.Size()))
			return false
		}
	}
	if _, err := io.Copy(u.incoming, r.Body); err != nil {
		notKept(w, err) // or the client is gone, and nobody reads this
		return false
	}
	return true
}

// contentRange reads FIRST-LAST.
func contentRange(header string) (first, length int64, err error) {
	from, to, _ := strings.Cut(header, "-")
	first, errFirst := strconv.ParseInt(from, 10, 64)
	last, errLast := strconv.ParseInt(to, 10, 64)
	if err := errors.Join(errFirst, errLast); err != nil || first < 0 || last < first-1 {
		return 0, 0, fmt.Errorf("%q is no range", header)
	}
	return first, last - first + 1, nil
}

// stands answers with how far an upload has come.
func (u *upload) stands(w http.ResponseWriter, status int) {
	u.says(w)
	w.WriteHeader(status)
}

// says puts where an upload goes on, and from which byte, into the header. That of no bytes
// cannot be told from that of one, which all registries have in common.
func (u *upload) says(w http.ResponseWriter) {
	w.Header().Set("Location", "/v2/"+u.repository+"/blobs/uploads/"+u.id)
	w.Header().Set("Docker-Upload-Uuid", u.id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, u.incoming.Size()-1)))
}
