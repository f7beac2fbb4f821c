package serve

import (
	"context"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Content is what is served. It is safe for concurrent use.
type Content interface {
	registry.Source
	// Stat tells how large a blob is; ErrNotFound where it is not there.
	Stat(ctx context.Context, repository string, digest v1.Hash) (v1.Descriptor, error)
	// Repositories lists all names, sorted.
	Repositories() []string
}

// Handler is a registry.
type Handler struct {
	content Content
}

// New returns a registry that serves content. A request may carry ?ns=HOST, as those of
// containerd to a mirror do: it then asks for what came from that host.
func New(content Content) *Handler { return &Handler{content: content} }

// endpoint answers for what stands behind a repository's name.
type endpoint func(w http.ResponseWriter, r *http.Request, repository, reference string)

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is read-only")
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path+"/", "/v2/")
	rest = strings.TrimSuffix(rest, "/")
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "NOT_FOUND", "a registry answers below /v2/")
	case rest == "":
		writeJSON(w, "application/json", struct{}{})
	case rest == "_catalog":
		h.catalog(w, r)
	default:
		h.route(w, r, rest)
	}
}

// route finds the endpoint from the right, for a repository's name may hold any word.
func (h *Handler) route(w http.ResponseWriter, r *http.Request, rest string) {
	if repository, ok := strings.CutSuffix(rest, "/tags/list"); ok {
		h.tags(w, r, h.named(r, repository), "")
		return
	}
	for word, answer := range map[string]endpoint{"manifests": h.manifest, "blobs": h.blob, "referrers": h.referrers} {
		head, reference, ok := cutLast(rest, "/")
		repository, found := strings.CutSuffix(head, "/"+word)
		if ok && found && repository != "" {
			answer(w, r, h.named(r, repository), reference)
			return
		}
	}
	fail(w, http.StatusNotFound, "UNSUPPORTED", "there is no such endpoint")
}

// named is the repository with its host where a mirror's request tells it and it is known.
func (h *Handler) named(r *http.Request, repository string) string {
	host := r.URL.Query().Get("ns")
	if host == "" {
		return repository
	}
	full := host + "/" + repository
	if _, err := h.content.Tags(r.Context(), full); err != nil {
		return repository
	}
	return full
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
