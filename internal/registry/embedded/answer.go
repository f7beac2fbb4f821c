package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
)

// answer is a response that is kept back until it is known to be true.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header, WriteHeader and Write make an answer a http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) send(w http.ResponseWriter) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the client is gone if this fails
}

// put hands a manifest to the registry.
func (h *handler) put(ctx context.Context, repository, reference, mediaType string, body []byte) *answer {
	request := (&http.Request{
		Method:        http.MethodPut,
		URL:           &url.URL{Path: "/v2/" + repository + "/manifests/" + reference},
		Header:        http.Header{"Content-Type": {mediaType}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}).WithContext(ctx)
	a := &answer{status: http.StatusOK, header: http.Header{}}
	h.inner.ServeHTTP(a, request)
	return a
}

// refuse answers with an error as the specification writes it.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"errors": []map[string]string{{"code": code, "message": message}},
	})
}
