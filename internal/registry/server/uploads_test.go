package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// memory is a blob that arrives and is kept nowhere.
type memory struct {
	strings.Builder
	discarded bool
}

func (m *memory) Size() int64 { return int64(m.Len()) }
func (m *memory) Discard()    { m.discarded = true }

func (m *memory) Keep(_ context.Context, _ string, digest v1.Hash) error {
	if got, _ := Digest(digest.Algorithm, strings.NewReader(m.String())); got != digest {
		return registry.ErrDigestMismatch
	}
	return nil
}

// nothing is content that has nothing and takes blobs.
type nothing struct {
	Writable
	received []*memory
}

func (n *nothing) Receive(context.Context) (Incoming, error) {
	n.received = append(n.received, &memory{})
	return n.received[len(n.received)-1], nil
}

func (n *nothing) Mount(context.Context, string, v1.Hash, string) (bool, error) { return false, nil }

// asked is one request and what is wanted of its answer.
type asked struct {
	method, path, contentRange, body string
	status                           int
	stands                           string // the Range of the answer
}

func (a asked) of(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), a.method, a.path, strings.NewReader(a.body))
	if a.contentRange != "" {
		r.Header.Set("Content-Range", a.contentRange)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != a.status || w.Header().Get("Range") != a.stands {
		t.Errorf("%s %s [%s] %q = %d with the range %q, want %d and %q: %s",
			a.method, a.path, a.contentRange, a.body, w.Code, w.Header().Get("Range"), a.status, a.stands, w.Body)
	}
	return w
}

// An upload goes on from where it stands and nowhere else, and is over once.
func TestUploadsGoOn(t *testing.T) {
	content := &nothing{}
	h := NewWritable(content)
	at := asked{"POST", "/v2/a/blobs/uploads/", "", "", http.StatusAccepted, "0-0"}.of(t, h).Header().Get("Location")
	digest, err := Digest("sha256", strings.NewReader("0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	done := at + "?digest=" + digest.String()
	for _, request := range []asked{
		{"PATCH", at, "0-3", "0123", http.StatusAccepted, "0-3"},
		{"PATCH", at, "0-3", "0123", http.StatusRequestedRangeNotSatisfiable, "0-3"},
		{"PATCH", at, "6-9", "6789", http.StatusRequestedRangeNotSatisfiable, "0-3"},
		{"PATCH", at, "4-9", "45", http.StatusBadRequest, ""},
		{"PATCH", at, "bytes", "45", http.StatusBadRequest, ""},
		{"GET", at, "", "", http.StatusNoContent, "0-3"},
		{"PATCH", at, "", "456", http.StatusAccepted, "0-6"},
		{"GET", strings.Replace(at, "/v2/a/", "/v2/b/", 1), "", "", http.StatusNotFound, ""},
		{"POST", at, "", "", http.StatusMethodNotAllowed, ""},
		{"PUT", at, "", "789", http.StatusBadRequest, ""},
		{"PUT", done, "7-9", "789", http.StatusCreated, ""},
		{"GET", at, "", "", http.StatusNotFound, ""},
		{"PUT", done, "", "", http.StatusNotFound, ""},
	} {
		request.of(t, h)
	}
	if got := content.received[0]; got.String() != "0123456789" {
		t.Errorf("what arrived is %q", got.String())
	}
}

func TestUploadsEnd(t *testing.T) {
	content := &nothing{}
	h := NewWritable(content)
	other := "?digest=sha256:" + strings.Repeat("0", 64)
	begin := asked{"POST", "/v2/a/blobs/uploads/", "", "", http.StatusAccepted, "0-0"}
	for i, end := range []asked{
		{method: "DELETE", status: http.StatusNoContent},
		{method: "PUT", path: other, body: "anything", status: http.StatusBadRequest},
	} {
		at := begin.of(t, h).Header().Get("Location")
		end.path = at + end.path
		end.of(t, h)
		asked{"GET", at, "", "", http.StatusNotFound, ""}.of(t, h)
		if !content.received[i].discarded {
			t.Errorf("%s %s leaves what arrived behind", end.method, end.path)
		}
	}
	if left := len(h.uploads.byID); left != 0 {
		t.Errorf("%d uploads are left", left)
	}
}

// Clients that do not come back are forgotten, those first that have not come for longest.
func TestUploadsAreForgotten(t *testing.T) {
	content := &nothing{}
	h := NewWritable(content)
	begin := asked{"POST", "/v2/a/blobs/uploads/", "", "", http.StatusAccepted, "0-0"}
	first := begin.of(t, h).Header().Get("Location")
	for range mostUploads - 1 {
		begin.of(t, h)
	}
	asked{"PATCH", first, "", "x", http.StatusAccepted, "0-0"}.of(t, h)
	begin.of(t, h)
	asked{"GET", first, "", "", http.StatusNoContent, "0-0"}.of(t, h)
	var discarded []int
	for i, one := range content.received {
		if one.discarded {
			discarded = append(discarded, i)
		}
	}
	if got, want := fmt.Sprint(discarded, len(h.uploads.byID)), fmt.Sprint([]int{1}, mostUploads); got != want {
		t.Errorf("discarded and left = %s, want %s", got, want)
	}
}

// Names that no registry would take are refused where something would be kept under them.
func TestPushRefusesNames(t *testing.T) {
	h := NewWritable(&nothing{})
	for _, request := range []asked{
		{"POST", "/v2/Team/image/blobs/uploads/", "", "", http.StatusBadRequest, ""},
		{"PUT", "/v2/Team/image/manifests/v1", "", "{}", http.StatusBadRequest, ""},
		{"PUT", "/v2/team/image/manifests/-v1", "", "{}", http.StatusBadRequest, ""},
		{"PUT", "/v2/team/image/manifests/md5:00", "", "{}", http.StatusBadRequest, ""},
		{"PUT", "/v2/team/image/manifests/v1", "", "no JSON", http.StatusBadRequest, ""},
	} {
		request.of(t, h)
	}
}
