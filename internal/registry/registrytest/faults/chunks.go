package faults

import (
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

func announceMinimum(n int64, registry http.Handler) http.Handler {
	announce := func(_ int, header http.Header) {
		header.Set("OCI-Chunk-Min-Length", strconv.FormatInt(n, 10))
	}
	return rewriteReply(On(registrytest.StartUpload, registrytest.Mount), announce)(registry)
}

// pieces remembers the uploads whose last piece was shorter than is allowed: fine if it
// was the last of all.
type pieces struct {
	least int64

	mu    sync.Mutex
	ended map[string]bool // by upload
}

func newPieces(least int64) *pieces {
	return &pieces{least: least, ended: map[string]bool{}}
}

func (p *pieces) check(registry http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := registrytest.Classify(r)
		body := &countingBody{ReadCloser: r.Body}
		switch {
		case q.Kind == registrytest.PatchUpload && p.hasEnded(q.Reference):
			writeError(w, r, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID",
				"a piece before this one was shorter than OCI-Chunk-Min-Length")
			return
		case q.Kind == registrytest.PatchUpload:
			r = registrytest.WithBody(r, body)
		}
		registry.ServeHTTP(w, r)
		if q.Kind == registrytest.PatchUpload && body.n < p.least {
			p.end(q.Reference)
		}
	})
}

func (p *pieces) hasEnded(upload string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended[upload]
}

func (p *pieces) end(upload string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended[upload] = true
}

type countingBody struct {
	io.ReadCloser
	n int64
}

func (c *countingBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}
