package faults

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// HideMissing makes a registry that answers with status, 401 or 403, where a manifest does not
// exist, to requests of the given kinds.
func HideMissing(status int, kinds ...registrytest.Kind) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !On(kinds...)(r) {
				registry.ServeHTTP(w, r)
				return
			}
			reply := &keptReply{header: http.Header{}}
			registry.ServeHTTP(reply, r)
			if reply.status == http.StatusNotFound {
				writeError(w, r, status, "DENIED", "you may not see that")
				return
			}
			reply.send(w)
		})
	}
}

// keptReply keeps a reply until it is decided what becomes of it.
type keptReply struct {
	header http.Header
	status int
	body   strings.Builder
}

func (h *keptReply) Header() http.Header { return h.header }

func (h *keptReply) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *keptReply) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

func (h *keptReply) send(w http.ResponseWriter) {
	for key, values := range h.header {
		w.Header()[key] = values
	}
	h.WriteHeader(http.StatusOK)
	w.WriteHeader(h.status)
	_, _ = io.WriteString(w, h.body.String())
}

// RefuseHead makes a registry that answers every HEAD with status, whatever there is.
func RefuseHead(status int) registrytest.Middleware {
	return Answer{
		On:    func(r *http.Request) bool { return r.Method == http.MethodHead },
		Times: Always, Status: status, Code: "UNSUPPORTED",
	}.Fault()
}

// LeftOvers makes a store that kept, of a broken upload, the first size bytes of every blob: it
// says so, and confirms the blob, until that is sent anew. The blobs have to be there, too.
func LeftOvers(size int64) registrytest.Middleware {
	var mu sync.Mutex
	mended := map[string]bool{}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := registrytest.Classify(r)
			mu.Lock()
			if q.Kind == registrytest.PutUpload {
				mended[r.URL.Query().Get("digest")] = true
			}
			broken := q.Kind == registrytest.HeadBlob && !mended[q.Reference]
			mu.Unlock()
			if !broken {
				registry.ServeHTTP(w, r)
				return
			}
			registry.ServeHTTP(&replyWriter{ResponseWriter: w, edit: func(status int, header http.Header) {
				if status == http.StatusOK {
					header.Set("Content-Length", strconv.FormatInt(size, 10))
				}
			}}, r)
		})
	}
}

// Compress makes a proxy that compresses, as gzip or deflate, answers to requests of the given kinds for clients
// that do not ask it not to; with unasked for those too.
func Compress(unasked bool, encoding string, kinds ...registrytest.Kind) registrytest.Middleware {
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !On(kinds...)(r) || !unasked && r.Header.Get("Accept-Encoding") == "identity" {
				registry.ServeHTTP(w, r)
				return
			}
			r.Header.Del("Range") // what it compresses is the whole
			reply := &keptReply{header: http.Header{}}
			registry.ServeHTTP(reply, r)
			if reply.status == http.StatusOK && r.Method == http.MethodGet {
				var compressed strings.Builder
				zip := io.WriteCloser(gzip.NewWriter(&compressed))
				if encoding == "deflate" {
					zip = zlib.NewWriter(&compressed)
				}
				_, _ = io.WriteString(zip, reply.body.String())
				_ = zip.Close()
				reply.body = compressed
				reply.header.Set("Content-Encoding", encoding)
				reply.header.Set("Content-Length", strconv.Itoa(compressed.Len()))
			}
			reply.send(w)
		})
	}
}

// PlainTypes makes a registry that serves manifests as contentType, as static hosts do; "" is
// without one.
func PlainTypes(contentType string) registrytest.Middleware {
	return rewriteReply(On(registrytest.GetManifest, registrytest.HeadManifest), func(_ int, header http.Header) {
		header["Content-Type"] = nil
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
	})
}
