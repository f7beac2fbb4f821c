package server

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// LargestManifest is how many bytes a manifest may have: what registries commonly take.
const LargestManifest = 4 << 20

// putManifest keeps a manifest; the client is told once the content has it.
func (h *Handler) putManifest(w http.ResponseWriter, r *http.Request, at route) {
	body, err := io.ReadAll(io.LimitReader(r.Body, LargestManifest+1))
	if err != nil || len(body) > LargestManifest {
		fail(w, http.StatusRequestEntityTooLarge, "MANIFEST_INVALID", "the manifest cannot be read or is larger than 4 MiB")
		return
	}
	digest, ok := h.digestFor(w, at, body)
	if !ok {
		return
	}
	manifest := oci.Manifest{
		Descriptor: v1.Descriptor{MediaType: mediaType(r, body), Digest: digest, Size: int64(len(body))},
		Body:       body,
	}
	links, err := oci.Parse(manifest)
	if err != nil {
		fail(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	if err := h.writable.PutManifest(r.Context(), at.repository, at.reference, manifest, links); err != nil {
		manifestNotKept(w, err)
		return
	}
	if links.Subject != nil { // its referrers are listed here: the client need not keep a list
		w.Header().Set("OCI-Subject", links.Subject.Digest.String())
	}
	created(w, "/v2/"+at.repository+"/manifests/", digest)
}

// mediaType is what a manifest is sent as, or says itself that it is.
func mediaType(r *http.Request, body []byte) types.MediaType {
	var fields struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	_ = jsonlimit.Unmarshal(body, &fields) // what is no JSON is refused by whoever reads the rest
	return cmp.Or(types.MediaType(r.Header.Get("Content-Type")), fields.MediaType)
}

func manifestNotKept(w http.ResponseWriter, err error) {
	var missing *MissingError
	switch {
	case errors.As(err, &missing):
		fail(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", missing.Error())
	default:
		notKept(w, err)
	}
}

// digestFor is the digest of a manifest that is put under a reference: of the kind by which
// it is put, SHA-256 for a tag. It has answered where it returns false.
func (h *Handler) digestFor(w http.ResponseWriter, at route, body []byte) (v1.Hash, bool) {
	if !writableName(w, at.repository) {
		return v1.Hash{}, false
	}
	wanted := v1.Hash{Algorithm: "sha256"}
	if !isTag(at.reference) {
		var ok bool
		if wanted, ok = digestOf(w, at.reference); !ok {
			return v1.Hash{}, false
		}
	}
	digest, err := Digest(wanted.Algorithm, bytes.NewReader(body))
	switch {
	case err != nil:
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", err.Error())
	case wanted.Hex != "" && wanted != digest:
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", "the manifest has the digest "+digest.String())
	default:
		return digest, true
	}
	return v1.Hash{}, false
}

// created answers that content is there now, under its digest.
func created(w http.ResponseWriter, below string, digest v1.Hash) {
	w.Header().Set("Location", below+digest.String())
	w.Header().Set(digestHeader, digest.String())
	w.WriteHeader(http.StatusCreated)
}
