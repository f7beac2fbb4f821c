package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Losing makes a registry that loses blobs. Use NewLosing.
type Losing struct {
	mu   sync.Mutex
	lost map[string]bool // by repository and digest
	next int             // so many of the blobs that arrive next
	lies bool
}

// NewLosing makes a registry that loses the next so many blobs as soon as it has confirmed
// them, and refuses manifests that name one it has lost. With lies it goes on to say of each
// that it holds it.
func NewLosing(next int, lies bool) *Losing {
	return &Losing{lost: map[string]bool{}, next: next, lies: lies}
}

// Lose loses a blob, which has to be there.
func (l *Losing) Lose(repository, digest string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost[repository+"@"+digest] = true
}

// Wrap is the Middleware.
func (l *Losing) Wrap(registry http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := registrytest.Classify(r)
		switch q.Kind {
		case registrytest.HeadBlob, registrytest.GetBlob:
			if l.gone(q.Repository, q.Reference) && (q.Kind == registrytest.GetBlob || !l.lies) {
				refuseWith(w, http.StatusNotFound, "BLOB_UNKNOWN", "the blob is lost")
				return
			}
		case registrytest.Mount:
			// One that lies mounts; one that does not opens an upload.
			if digest := r.URL.Query().Get("mount"); l.gone(q.Repository, digest) && !l.lies {
				r.URL.RawQuery = ""
			}
		case registrytest.PutUpload:
			defer l.arrived(q.Repository, r.URL.Query().Get("digest"))
		case registrytest.PutManifest:
			if digest := l.lostBy(q.Repository, r); digest != "" {
				refuseWith(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", fmt.Sprintf("%s is not there", digest))
				return
			}
		}
		registry.ServeHTTP(w, r)
	})
}

func (l *Losing) gone(repository, digest string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost[repository+"@"+digest]
}

func (l *Losing) arrived(repository, digest string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := repository + "@" + digest
	delete(l.lost, key)
	if l.next > 0 {
		l.next--
		l.lost[key] = true
	}
}

// lostBy is a blob that the manifest names and the registry has lost; it leaves the body as it was.
func (l *Losing) lostBy(repository string, r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var manifest v1.Manifest
	if json.Unmarshal(body, &manifest) != nil {
		return ""
	}
	for _, d := range append(manifest.Layers, manifest.Config) {
		if l.gone(repository, d.Digest.String()) {
			return d.Digest.String()
		}
	}
	return ""
}
