package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
)

// resumable is a registry that keeps whatever arrives of an upload, as distribution v3 does.
type resumable struct {
	// odd may answer a request instead; it is called under the lock.
	odd func(w http.ResponseWriter, r *http.Request) bool

	mu     sync.Mutex
	opened int
	open   map[string]*bytes.Buffer
	blobs  map[string][]byte
	log    []string // methods, in the order of their ends
	got    int64    // bytes
}

func newResumable() *resumable {
	return &resumable{open: map[string]*bytes.Buffer{}, blobs: map[string][]byte{}}
}

func (k *resumable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, cut := io.ReadAll(r.Body)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.log = append(k.log, r.Method)
	k.got += int64(len(body))
	if k.odd != nil && k.odd(w, r) {
		return
	}
	if r.Method == http.MethodPost {
		k.opened++
		id := fmt.Sprintf("/v2/a/blobs/uploads/%d", k.opened)
		k.open[id] = &bytes.Buffer{}
		k.stands(w, id, http.StatusAccepted)
		return
	}
	upload := k.open[r.URL.Path]
	if upload == nil {
		http.Error(w, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`, http.StatusNotFound)
		return
	}
	if at := r.Header.Get("Content-Range"); at != "" && !strings.HasPrefix(at, fmt.Sprintf("%d-", upload.Len())) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	upload.Write(body)
	if cut != nil {
		return // nobody is there any more
	}
	switch r.Method {
	case http.MethodPatch:
		k.stands(w, r.URL.Path, http.StatusAccepted)
	case http.MethodGet:
		k.stands(w, r.URL.Path, http.StatusNoContent)
	case http.MethodDelete:
		delete(k.open, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPut:
		k.close(w, r.URL)
	}
}

func (k *resumable) stands(w http.ResponseWriter, id string, status int) {
	w.Header().Set("Location", id+"?_state=x")
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, k.open[id].Len()-1)))
	w.WriteHeader(status)
}

func (k *resumable) close(w http.ResponseWriter, at *url.URL) {
	content := k.open[at.Path].Bytes()
	delete(k.open, at.Path)
	digest, _, _ := v1.SHA256(bytes.NewReader(content))
	if want := at.Query().Get("digest"); digest.String() != want {
		http.Error(w, `{"errors":[{"code":"DIGEST_INVALID"}]}`, http.StatusBadRequest)
		return
	}
	k.blobs[digest.String()] = content
	w.WriteHeader(http.StatusCreated)
}

// sofar is what the registry has seen.
func (k *resumable) sofar() (methods string, got int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.log, " "), k.got
}

func noise(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	return content
}

// run is the client of a new run, with a journal in a folder.
func run(t *testing.T, host, dir string, opts Options) *Client {
	t.Helper()
	journal, err := uploads.Open(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, host, opts)
	client.KeepUploads(journal)
	return client
}

// stopping is a Body that ends a run once so many bytes have been read of it.
type stopping struct {
	memoryBody
	after int64
	stop  func()
}

func (s *stopping) From(offset int64) (io.Reader, error) {
	content, err := s.memoryBody.From(offset)
	return io.MultiReader(io.LimitReader(content, s.after-offset), &stops{s.stop}), err
}

// stops ends the run, and so the source.
type stops struct{ stop func() }

func (s *stops) Read([]byte) (int, error) {
	s.stop()
	return 0, context.Canceled
}

// counted is a Body that counts what is read of it.
type counted struct {
	memoryBody
	read int64
}

func (c *counted) From(offset int64) (io.Reader, error) {
	content, err := c.memoryBody.From(offset)
	return io.TeeReader(content, c), err
}

func (c *counted) Write(p []byte) (int, error) {
	c.read += int64(len(p))
	return len(p), nil
}

const (
	mib = 1 << 20
	// inOne is the size of a blob that is noted and yet goes in one body.
	inOne = 16 * mib
)

// interrupt uploads a blob in a run that ends after so many bytes, and checks that it said so.
func interrupt(t *testing.T, host, dir string, content []byte, after int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := run(t, host, dir, Options{}).PushBlob(ctx, "a", blobOf(t, content), &stopping{content, after, cancel}, false)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("PushBlob() = %v in a run that is stopped, want %v", err, context.Canceled)
	}
}

// serveResumable starts a registry and waits, when asked, until it is at no request any more.
func serveResumable(t *testing.T, k *resumable) (host string) {
	t.Helper()
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// settle waits for a registry to have seen so many requests.
func (k *resumable) settle(t *testing.T, requests int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		methods, _ := k.sofar()
		if len(strings.Fields(methods)) >= requests {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the registry has seen %q, want %d requests", methods, requests)
		}
		time.Sleep(time.Millisecond)
	}
}

// What a run that was stopped has sent is neither sent nor read again by the next.
func TestTheNextRunGoesOn(t *testing.T) {
	for _, tt := range []struct {
		name        string
		size        int
		after       int64
		first, next string // the requests of the two runs
	}{
		{"in one body", inOne, 10 * mib, "POST PUT", "GET PATCH PUT"},
		{"in a piece", 40 * mib, 10 * mib, "POST PATCH", "GET PATCH PUT"},
		{"in the second piece", 100 * mib, 80 * mib, "POST PATCH PATCH", "GET PATCH PUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newResumable()
			host, dir, content := serveResumable(t, k), t.TempDir(), noise(tt.size)
			interrupt(t, host, dir, content, tt.after)
			k.settle(t, len(strings.Fields(tt.first)))
			methods, first := k.sofar()
			if methods != tt.first || first == 0 || first > tt.after {
				t.Errorf("the stopped run sent %d bytes by %s, want up to %d by %s", first, methods, tt.after, tt.first)
			}
			body := &counted{memoryBody: content}
			outcome, err := run(t, host, dir, Options{}).PushBlob(t.Context(), "a", blobOf(t, content), body, false)
			if err != nil || outcome != registry.Uploaded {
				t.Fatalf("PushBlob() = %v, %v in the next run", outcome, err)
			}
			methods, both := k.sofar()
			if got := strings.TrimPrefix(methods, tt.first+" "); got != tt.next {
				t.Errorf("the next run asked %s, want %s", got, tt.next)
			}
			if both != int64(tt.size) || body.read != int64(tt.size)-first {
				t.Errorf("both runs sent %d bytes, want %d; the next read %d, want %d", both, tt.size, body.read, int64(tt.size)-first)
			}
			if left := open(t, dir, host, content); left != "" {
				t.Errorf("the journal still says %q", left)
			}
		})
	}
}

// open is what the journal in a folder says of a blob's upload.
func open(t *testing.T, dir, host string, content []byte) string {
	t.Helper()
	journal, err := uploads.Open(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	claim := journal.Claim(host, "a", blobOf(t, content).Digest)
	defer claim.Release()
	return claim.Address()
}

// An earlier run's upload that is gone, or of which nothing useful can be heard, costs a request
// and nothing else.
func TestLargeEarlierUploadsOfNoUse(t *testing.T) {
	answer := func(status int, header ...string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				return false
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			return true
		}
	}
	for _, tt := range []struct {
		name string
		odd  func(w http.ResponseWriter, r *http.Request) bool
	}{
		{"gone", answer(http.StatusNotFound)},
		{"refused", answer(http.StatusForbidden)},
		{"unauthorized", answer(http.StatusUnauthorized)},
		{"broken", answer(http.StatusInternalServerError)},
		{"no range", answer(http.StatusNoContent)},
		{"empty", answer(http.StatusNoContent, "Range", "0-0")},
		{"too long", answer(http.StatusNoContent, "Range", "0-99999999")},
		{"no number", answer(http.StatusNoContent, "Range", "bytes=a-b")},
		{"elsewhere", answer(http.StatusNoContent, "Range", "0-1000", "Location", "http://registry.example.com/v2/a/blobs/uploads/1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newResumable()
			host, dir, content := serveResumable(t, k), t.TempDir(), noise(inOne)
			interrupt(t, host, dir, content, 10*mib)
			k.settle(t, 2)
			k.odd = tt.odd
			_, first := k.sofar()
			client := run(t, host, dir, Options{})
			if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
				t.Fatal(err)
			}
			methods, both := k.sofar()
			if got, want := methods, "POST PUT GET POST PUT"; got != want || both-first != inOne {
				t.Errorf("the next run sent %d bytes by %s, want all by %s", both-first, got, want)
			}
		})
	}
}

// A registry that has an outage when it is asked has it for the upload too, which is still there
// afterwards.
func TestAnOutageIsNotTheEndOfAnUpload(t *testing.T) {
	k := newResumable()
	host, dir, content := serveResumable(t, k), t.TempDir(), noise(inOne)
	interrupt(t, host, dir, content, 10*mib)
	k.settle(t, 2)
	busy := 3
	k.odd = func(w http.ResponseWriter, _ *http.Request) bool {
		if busy--; busy < 0 {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	if _, err := run(t, host, dir, Options{}).PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	if _, both := k.sofar(); both != inOne {
		t.Errorf("both runs sent %d bytes, want %d", both, inOne)
	}
}

// What an earlier run has sent may be wrong: the target finds out, and all is sent again.
func TestWrongBytesOfAnEarlierRun(t *testing.T) {
	k := newResumable()
	host, dir, content := serveResumable(t, k), t.TempDir(), noise(inOne)
	interrupt(t, host, dir, content, 10*mib)
	k.settle(t, 2)
	k.open["/v2/a/blobs/uploads/1"].Bytes()[5*mib] ^= 1
	if _, err := run(t, host, dir, Options{}).PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.blobs[blobOf(t, content).Digest.String()], content) {
		t.Error("the registry has other content than was sent")
	}
}

// What an earlier connection had on its way may arrive after the registry was asked.
func TestAnUploadThatStillGrows(t *testing.T) {
	k := newResumable()
	host, dir, content := serveResumable(t, k), t.TempDir(), noise(inOne)
	interrupt(t, host, dir, content, 10*mib)
	k.settle(t, 2)
	upload := k.open["/v2/a/blobs/uploads/1"]
	before := int64(upload.Len())
	k.odd = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch && k.odd != nil {
			upload.Write(content[before : before+mib])
			k.odd = nil
		}
		return false
	}
	if _, err := run(t, host, dir, Options{}).PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	if methods, _ := k.sofar(); methods != "POST PUT GET PATCH GET PATCH PUT" {
		t.Errorf("the requests are %s, want the registry asked again", methods)
	}
}

// An upload that another run is at is left to it: this one sends the blob for itself.
func TestTwoRunsAtOnce(t *testing.T) {
	k := newResumable()
	host, dir, content := serveResumable(t, k), t.TempDir(), noise(inOne)
	interrupt(t, host, dir, content, 10*mib)
	k.settle(t, 2)
	journal, err := uploads.Open(filepath.Join(dir, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	theirs := journal.Claim(host, "a", blobOf(t, content).Digest)
	defer theirs.Release()
	if _, err := run(t, host, dir, Options{}).PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	if methods, _ := k.sofar(); methods != "POST PUT POST PUT" {
		t.Errorf("the requests are %s, want the upload of the other run left alone", methods)
	}
	if _, there := k.open["/v2/a/blobs/uploads/1"]; !there || theirs.Address() == "" {
		t.Error("the other run's upload is gone")
	}
}

// What ends an upload for good ends it at the registry too; what may pass leaves it there.
func TestWhatIsLeftForTheNextRun(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		code   string
		left   bool
	}{
		{"no permission", http.StatusForbidden, "DENIED", false},
		{"no room", http.StatusInsufficientStorage, "DENIED", false},
		{"wrong bytes", http.StatusBadRequest, "DIGEST_INVALID", false},
		{"expired", http.StatusUnauthorized, "UNAUTHORIZED", true},
		{"outage", http.StatusServiceUnavailable, "UNAVAILABLE", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newResumable()
			host, dir, content := serveResumable(t, k), t.TempDir(), noise(inOne)
			k.odd = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				if k.open[r.URL.Path].Len() == 0 {
					k.open[r.URL.Path].Write(content[:mib])
				}
				http.Error(w, `{"errors":[{"code":"`+tt.code+`"}]}`, tt.status)
				return true
			}
			client := run(t, host, dir, Options{RetryTimeout: 300 * time.Millisecond})
			if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err == nil {
				t.Fatal("PushBlob() succeeds")
			}
			methods, _ := k.sofar()
			if kept := open(t, dir, host, content) != ""; kept != tt.left {
				t.Errorf("the journal has the upload: %t, want %t", kept, tt.left)
			}
			if ended := slices.Contains(strings.Fields(methods), http.MethodDelete); ended == tt.left {
				t.Errorf("the requests are %s, and the upload is to be left: %t", methods, tt.left)
			}
		})
	}
}

// Small blobs are not noted.
func TestSmallBlobsAreNotNoted(t *testing.T) {
	k := newResumable()
	host, dir, content := serveResumable(t, k), t.TempDir(), noise(mib)
	interrupt(t, host, dir, content, mib/2)
	if left := open(t, dir, host, content); left != "" {
		t.Errorf("the journal says %q", left)
	}
}
