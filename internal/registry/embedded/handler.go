package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// handler answers what go-containerregistry's registry does not, and hands it the rest.
type handler struct {
	store *store
	inner http.Handler
}

var (
	blobPath     = regexp.MustCompile(`^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$`)
	uploadsPath  = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/?$`)
	manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
)

// largestManifest is what registries commonly take.
const largestManifest = 4 << 20

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case r.Method == http.MethodDelete:
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "nothing can be deleted here")
	case r.Method == http.MethodGet && blobPath.MatchString(path):
		h.blob(w, r, blobPath.FindStringSubmatch(path))
	case r.Method == http.MethodPost && uploadsPath.MatchString(path):
		h.upload(w, r, uploadsPath.FindStringSubmatch(path)[1])
	case r.Method == http.MethodPut && manifestPath.MatchString(path):
		h.manifest(w, r, manifestPath.FindStringSubmatch(path))
	default:
		h.inner.ServeHTTP(w, r)
	}
}

// blob serves a blob or any range of it.
func (h *handler) blob(w http.ResponseWriter, r *http.Request, path []string) {
	digest, _ := v1.NewHash(path[2]) // the path's pattern is a digest's
	f, err := h.store.open(path[1], digest)
	if err != nil {
		refuse(w, http.StatusNotFound, "BLOB_UNKNOWN", "no such blob in this repository")
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", path[2])
	http.ServeContent(w, r, "", time.Time{}, f)
}

// upload mounts a blob where that is asked for and possible; else an upload starts, as
// the specification says.
func (h *handler) upload(w http.ResponseWriter, r *http.Request, repository string) {
	query := r.URL.Query()
	digest, err := v1.NewHash(query.Get("mount"))
	if err == nil && h.store.mount(repository, query.Get("from"), digest) {
		w.Header().Set("Location", "/v2/"+repository+"/blobs/"+digest.String())
		w.Header().Set("Docker-Content-Digest", digest.String())
		w.WriteHeader(http.StatusCreated)
		return
	}
	h.inner.ServeHTTP(w, r)
}

// manifest writes a manifest into the folder once the registry has accepted it, and
// before the client is told.
func (h *handler) manifest(w http.ResponseWriter, r *http.Request, path []string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, largestManifest+1))
	if err != nil || len(body) > largestManifest {
		refuse(w, http.StatusRequestEntityTooLarge, "MANIFEST_INVALID", "the manifest cannot be read or is larger than 4 MiB")
		return
	}
	repository, reference := path[1], path[2]
	digest, _, _ := v1.SHA256(bytes.NewReader(body)) // never fails: nothing is read from outside
	if strings.Contains(reference, ":") && reference != digest.String() {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID", "the manifest has the digest "+digest.String())
		return
	}
	if missing := h.missing(repository, body); missing != "" {
		refuse(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", missing+" is not in this repository")
		return
	}
	answer := h.put(r.Context(), repository, reference, r.Header.Get("Content-Type"), body)
	if answer.status == http.StatusCreated {
		if err := h.keep(repository, reference, r.Header.Get("Content-Type"), body); err != nil {
			refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
			return
		}
	}
	answer.send(w)
}

// missing names a blob that an image's manifest refers to and its repository lacks.
func (h *handler) missing(repository string, body []byte) string {
	for _, d := range blobsOf(body) {
		if d.MediaType.IsDistributable() && !h.store.has(repository, d.Digest) {
			return d.Digest.String()
		}
	}
	return ""
}

// blobsOf are the config and the layers of an image's manifest; an index has none.
func blobsOf(body []byte) []v1.Descriptor {
	var manifest struct {
		Config *v1.Descriptor  `json:"config"`
		Layers []v1.Descriptor `json:"layers"`
	}
	if json.Unmarshal(body, &manifest) != nil || manifest.Config == nil {
		return nil
	}
	return append(manifest.Layers, *manifest.Config)
}

// keep writes a manifest into the folder.
func (h *handler) keep(repository, reference, mediaType string, body []byte) error {
	digest, size, err := v1.SHA256(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := writeWhole(h.store.path(digest), bytes.NewReader(body)); err != nil {
		return err
	}
	name := repository + ":" + reference
	if strings.Contains(reference, ":") {
		name = repository + "@" + reference
	}
	return h.store.index.put(name, v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: digest, Size: size})
}

// replay puts what the folder holds into the registry, which forgets it when it ends.
func (h *handler) replay(ctx context.Context) error {
	for _, e := range h.store.index.entries() {
		body, err := os.ReadFile(h.store.path(e.descriptor.Digest))
		if err != nil {
			return err
		}
		for _, d := range blobsOf(body) {
			h.store.link(e.repository, d.Digest)
		}
		answer := h.put(ctx, e.repository, e.reference, string(e.descriptor.MediaType), body)
		if answer.status != http.StatusCreated {
			return fmt.Errorf("%s:%s: %s", e.repository, e.reference, answer.body.Bytes())
		}
	}
	return nil
}
