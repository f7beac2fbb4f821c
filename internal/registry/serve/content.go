package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func (h *Handler) manifest(w http.ResponseWriter, r *http.Request, repository, reference string) {
	m, err := h.content.Manifest(r.Context(), repository, reference)
	if err != nil {
		failed(w, err, h.unknown(r.Context(), repository, "MANIFEST_UNKNOWN"))
		return
	}
	w.Header().Set("Content-Type", string(m.Descriptor.MediaType))
	w.Header().Set("Content-Length", strconv.Itoa(len(m.Body)))
	w.Header().Set("Docker-Content-Digest", m.Descriptor.Digest.String())
	w.Header().Set("Etag", `"`+m.Descriptor.Digest.String()+`"`)
	_, _ = w.Write(m.Body)
}

// unknown tells a repository that is not there from what is not in it.
func (h *Handler) unknown(ctx context.Context, repository, code string) string {
	if _, err := h.content.Tags(ctx, repository); errors.Is(err, registry.ErrNotFound) {
		return "NAME_UNKNOWN"
	}
	return code
}

func (h *Handler) blob(w http.ResponseWriter, r *http.Request, repository, reference string) {
	digest, err := v1.NewHash(reference)
	if err != nil {
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", err.Error())
		return
	}
	d, err := h.content.Stat(r.Context(), repository, digest)
	if err != nil {
		failed(w, err, h.unknown(r.Context(), repository, "BLOB_UNKNOWN"))
		return
	}
	content := &seeker{ctx: r.Context(), content: h.content, repository: repository, blob: d}
	defer content.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", digest.String())
	w.Header().Set("Etag", `"`+digest.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, content) // knows Range, If-Range and HEAD
}

// seeker is a blob as http.ServeContent wants it. It is opened where reading begins.
type seeker struct {
	ctx        context.Context
	content    Content
	repository string
	blob       v1.Descriptor
	offset     int64
	open       io.ReadCloser
}

func (s *seeker) Read(p []byte) (int, error) {
	if s.offset >= s.blob.Size {
		return 0, io.EOF
	}
	if s.open == nil {
		var err error
		if s.open, err = s.content.Blob(s.ctx, s.repository, s.blob, s.offset); err != nil {
			return 0, err
		}
	}
	n, err := s.open.Read(p)
	s.offset += int64(n)
	return n, err
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.offset
	case io.SeekEnd:
		offset += s.blob.Size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the beginning")
	}
	if offset != s.offset {
		s.Close()
		s.offset = offset
	}
	return offset, nil
}

// Close closes what is open; the seeker can be read again after it.
func (s *seeker) Close() {
	if s.open != nil {
		s.open.Close()
		s.open = nil
	}
}

func (h *Handler) referrers(w http.ResponseWriter, r *http.Request, repository, reference string) {
	digest, err := v1.NewHash(reference)
	if err != nil {
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", err.Error())
		return
	}
	all, err := h.content.Referrers(r.Context(), repository, digest)
	if err != nil {
		failed(w, err, "NAME_UNKNOWN")
		return
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	wanted := r.URL.Query().Get("artifactType")
	if wanted != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	for _, d := range all {
		if wanted == "" || d.ArtifactType == wanted {
			index.Manifests = append(index.Manifests, d)
		}
	}
	writeJSON(w, string(types.OCIImageIndex), index)
}
