package server

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Handler is a registry.
type Handler struct {
	content  Content
	writable Writable // nil where nothing can be pushed
	uploads  uploads
	answers  map[endpoint]methods
}

// answer answers for what a path names.
type answer func(w http.ResponseWriter, r *http.Request, at route)

// methods are the answers of an endpoint by method. HEAD is answered as GET is, without the
// body.
type methods map[string]answer

// New returns a registry that content is only read from. A request may carry ?ns=HOST, as
// those of containerd to a mirror do: it then asks for what came from that host.
func New(content Content) *Handler {
	h := &Handler{content: content}
	h.answers = map[endpoint]methods{
		atBase:      {http.MethodGet: h.base},
		atCatalog:   {http.MethodGet: h.catalog},
		atTags:      {http.MethodGet: h.tags},
		atManifest:  {http.MethodGet: h.manifest},
		atBlob:      {http.MethodGet: h.blob},
		atReferrers: {http.MethodGet: h.referrers},
	}
	return h
}

// NewWritable returns a registry that is pushed to as well. Nothing can be deleted from it.
func NewWritable(content Writable) *Handler {
	h := New(content)
	h.writable = content
	h.answers[atManifest][http.MethodPut] = h.putManifest
	h.answers[atUploads] = methods{http.MethodPost: h.beginUpload}
	h.answers[atUpload] = methods{
		http.MethodGet:    h.whereUpload,
		http.MethodPatch:  h.appendUpload,
		http.MethodPut:    h.finishUpload,
		http.MethodDelete: h.cancelUpload,
	}
	return h
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	at := locate(r.URL.Path)
	here := h.answers[at.endpoint]
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch answer := here[method]; {
	case answer != nil:
		answer(w, r, at)
	case h.writable == nil && method != http.MethodGet:
		refuseMethod(w, "GET, HEAD", "this registry is read-only")
	case at.endpoint == atNowhere:
		fail(w, http.StatusNotFound, "NOT_FOUND", "a registry answers below /v2/")
	case here == nil:
		fail(w, http.StatusNotFound, "UNSUPPORTED", "there is no such endpoint")
	default:
		refuseMethod(w, here.allowed(), "this registry does not do that")
	}
}

func refuseMethod(w http.ResponseWriter, allowed, message string) {
	w.Header().Set("Allow", allowed)
	fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", message)
}

// allowed lists the methods for the header of that name.
func (m methods) allowed() string {
	all := slices.Sorted(maps.Keys(m))
	if m[http.MethodGet] != nil {
		all = append(all, http.MethodHead)
	}
	return strings.Join(all, ", ")
}

func (h *Handler) base(w http.ResponseWriter, _ *http.Request, _ route) {
	writeJSON(w, "application/json", struct{}{})
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
