package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

var secret = registrytest.Login{Username: "user", Password: "very-secret"}

// verbs is a Client with a few verbs to send requests by.
type verbs struct{ *Client }

// Tags reads a listing, which may name a next page.
func (v verbs) Tags(ctx context.Context, repository string) ([]string, error) {
	resp, err := v.Do(ctx, Request{
		Op: "listing tags of", Ref: v.Host() + "/" + repository, Method: http.MethodGet,
		Path: "/v2/" + repository + "/tags/list", Need: Access{Repository: repository}, Accept: []int{http.StatusOK},
	})
	if err != nil {
		return nil, err
	}
	defer resp.Drain()
	var page struct{ Tags []string }
	return page.Tags, json.NewDecoder(resp.Body).Decode(&page)
}

// push opens an upload and sends content to where it goes on.
func (v verbs) push(ctx context.Context, content []byte) error {
	request := Request{
		Op: "uploading to", Ref: v.Host(), Method: http.MethodPost, Path: "/v2/a/blobs/uploads/",
		Need: Access{Repository: "a", Push: true}, Accept: []int{http.StatusAccepted},
	}
	resp, err := v.Do(ctx, request)
	if err != nil {
		return err
	}
	resp.Drain()
	request.Method, request.Size = http.MethodPut, int64(len(content))
	request.Body = func() (io.Reader, error) { return bytes.NewReader(content), nil }
	if request.URL, err = resp.Location(); err != nil {
		return err
	}
	if resp, err = v.Do(ctx, request); err == nil {
		resp.Drain()
	}
	return err
}

func tokenClient(t *testing.T, handler http.Handler, opts Options) verbs {
	t.Helper()
	return newClient(t, registrytest.Serve(t, handler.ServeHTTP).Listener.Addr().String(), opts)
}

func newClient(t *testing.T, host string, opts Options) verbs {
	t.Helper()
	opts.CertsDirs = []string{}
	client, err := New(host, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return verbs{client}
}
