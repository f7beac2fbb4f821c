package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// digestHeader tells a client what it was given.
const digestHeader = "Docker-Content-Digest"

func (h *Handler) manifest(w http.ResponseWriter, r *http.Request, at route) {
	repository := h.named(r, at.repository)
	m, err := h.content.Manifest(r.Context(), repository, at.reference)
	if err != nil {
		failed(w, err, h.unknown(r.Context(), repository, "MANIFEST_UNKNOWN"))
		return
	}
	w.Header().Set("Content-Type", string(m.Descriptor.MediaType))
	w.Header().Set("Content-Length", strconv.Itoa(len(m.Body)))
	w.Header().Set(digestHeader, m.Descriptor.Digest.String())
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

// mostRanges is how many ranges of a blob one request may ask for. Clients that pull ask for
// one; each costs us opening the blob anew.
const mostRanges = 16

func (h *Handler) blob(w http.ResponseWriter, r *http.Request, at route) {
	digest, ok := digestOf(w, at.reference)
	if !ok {
		return
	}
	repository := h.named(r, at.repository)
	d, err := h.content.Stat(r.Context(), repository, digest)
	if err != nil {
		failed(w, err, h.unknown(r.Context(), repository, "BLOB_UNKNOWN"))
		return
	}
	if strings.Count(r.Header.Get("Range"), ",") >= mostRanges {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", d.Size))
		fail(w, http.StatusRequestedRangeNotSatisfiable, "RANGE_INVALID", fmt.Sprintf("more than %d ranges in one request", mostRanges))
		return
	}
	content := &seeker{ctx: r.Context(), content: h.content, repository: repository, blob: d}
	defer content.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set(digestHeader, digest.String())
	w.Header().Set("Etag", `"`+digest.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, content) // knows Range, If-Range and HEAD
}

func (h *Handler) referrers(w http.ResponseWriter, r *http.Request, at route) {
	digest, ok := digestOf(w, at.reference)
	if !ok {
		return
	}
	all, err := h.content.Referrers(r.Context(), h.named(r, at.repository), digest)
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
