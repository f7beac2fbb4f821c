package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func blobOf(t *testing.T, content []byte) v1.Descriptor {
	t.Helper()
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{Digest: digest, Size: size}
}

// memoryBody is a Body that is always at hand.
type memoryBody []byte

func (m memoryBody) From(offset int64) (io.Reader, error) { return bytes.NewReader(m[offset:]), nil }

// takesUploads is a registry that takes any upload; its hooks may answer instead.
type takesUploads struct {
	patch, put func(w http.ResponseWriter, r *http.Request) bool
	header     http.Header
	got        atomic.Int64
}

func (u *takesUploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for key, values := range u.header {
		w.Header()[key] = values
	}
	switch r.Method {
	case http.MethodPost:
		w.Header().Set("Location", "/v2/a/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPatch:
		if u.patch == nil || !u.patch(w, r) {
			n, _ := io.Copy(io.Discard, r.Body)
			u.got.Add(n)
			w.Header().Set("Location", "/v2/a/blobs/uploads/1")
			w.WriteHeader(http.StatusAccepted)
		}
	case http.MethodPut:
		if u.put == nil || !u.put(w, r) {
			n, _ := io.Copy(io.Discard, r.Body)
			u.got.Add(n)
			w.WriteHeader(http.StatusCreated)
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// A source that answers ranges with other bytes is read whole, once.
func TestMisplacedRanges(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1_000)
	var requests atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Range") != "" {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(content)
	}), Options{})
	wantFromTheMiddle(t, client, content)
	if got := requests.Load(); got != 2 {
		t.Errorf("that took %d requests, want 2", got)
	}
}

// A server may refuse a range as such.
func TestRefusedRange(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1_000)
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		_, _ = w.Write(content)
	}), Options{})
	wantFromTheMiddle(t, client, content)
}

// Closing a chunked upload has no body, and yet is when a registry stores the blob.
func TestClosingAnUploadMayTakeTime(t *testing.T) {
	var puts atomic.Int64
	reg := &takesUploads{put: func(w http.ResponseWriter, _ *http.Request) bool {
		puts.Add(1)
		time.Sleep(400 * time.Millisecond)
		w.WriteHeader(http.StatusCreated)
		return true
	}}
	content := bytes.Repeat([]byte("x"), 3_000)
	client := tokenClient(t, reg, Options{StallTimeout: 150 * time.Millisecond})
	client.ChunkSize(1_000)
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	if puts.Load() != 1 {
		t.Errorf("the upload was closed %d times, want once", puts.Load())
	}
}

func TestUploadsWithoutEnd(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 4<<20)
	tooLarge := func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return true
	}
	reg := &takesUploads{header: http.Header{"Oci-Chunk-Min-Length": {"3000000"}}, patch: tooLarge, put: tooLarge}
	client := tokenClient(t, reg, Options{})
	client.ChunkSize(1 << 20)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := client.PushBlob(ctx, "a", blobOf(t, content), memoryBody(content), false)
	if err == nil || ctx.Err() != nil {
		t.Errorf("PushBlob() = %v to a registry that refuses its own least chunk, want an error at once", err)
	}
}

func TestChunksWithoutLocation(t *testing.T) {
	reg := &takesUploads{patch: func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		return true
	}}
	content := bytes.Repeat([]byte("x"), 3_000)
	client := tokenClient(t, reg, Options{})
	client.ChunkSize(1_000)
	if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Error(err)
	}
}

func TestExpectContinue(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 1<<20) // large enough to ask first
	t.Run("refused", func(t *testing.T) {
		reg := &takesUploads{put: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Expect") == "" {
				return false
			}
			w.WriteHeader(http.StatusExpectationFailed)
			return true
		}}
		client := tokenClient(t, reg, Options{})
		if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
			t.Error(err)
		}
	})
	t.Run("answered", func(t *testing.T) {
		asked := 0
		client := tokenClient(t, &takesUploads{put: func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Expect") != "" {
				asked++
			}
			return false
		}}, Options{})
		for range 2 { // who missed an answer would not ask again
			if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
				t.Error(err)
			}
		}
		if asked != 2 {
			t.Errorf("%d of 2 uploads asked first, and so an answer was missed", asked)
		}
	})
	t.Run("never answered", func(t *testing.T) {
		var expecting atomic.Int64
		client := newClient(t, deafRegistry(t, &expecting), Options{})
		for range 4 {
			if _, err := client.PushBlob(context.Background(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
				t.Fatal(err)
			}
		}
		if got := expecting.Load(); got != 1 {
			t.Errorf("%d of 4 uploads waited for an answer that does not come, want the first one", got)
		}
	})
}

// deafRegistry takes uploads, never says 100 Continue, and counts who waits for that.
func deafRegistry(t *testing.T, expecting *atomic.Int64) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerDeaf(conn, expecting)
		}
	}()
	return listener.Addr().String()
}

func answerDeaf(conn net.Conn, expecting *atomic.Int64) {
	defer conn.Close()
	reader := newRequestReader(conn)
	for {
		req, err := reader()
		if err != nil {
			return
		}
		if req.Header.Get("Expect") != "" {
			expecting.Add(1)
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		answer := "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
		if req.Method == http.MethodPost {
			answer = "HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\nContent-Length: 0\r\n\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

func newRequestReader(conn net.Conn) func() (*http.Request, error) {
	buffered := bufio.NewReader(conn)
	return func() (*http.Request, error) { return http.ReadRequest(buffered) }
}

func TestContentIsWhatWasAskedFor(t *testing.T) {
	manifest := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
	other := blobOf(t, []byte("other")).Digest.String()
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		w.Header().Set("Docker-Content-Digest", blobOf(t, manifest).Digest.String())
		_, _ = w.Write(manifest)
	}), Options{})
	for _, digest := range []string{other, "sha512:" + strings.Repeat("0", 128)} {
		if _, err := client.Manifest(context.Background(), "a", digest); !errors.Is(err, registry.ErrDigestMismatch) {
			t.Errorf("Manifest(%s) = %v for other content, want ErrDigestMismatch", digest[:10], err)
		}
		if _, err := client.Resolve(context.Background(), "a", digest); !errors.Is(err, registry.ErrDigestMismatch) {
			t.Errorf("Resolve(%s) = %v for other content, want ErrDigestMismatch", digest[:10], err)
		}
	}
	got, err := client.Manifest(context.Background(), "a", "v1")
	if err != nil || got.Descriptor.MediaType != types.OCIImageIndex {
		t.Errorf("Manifest(v1) is a %q (%v), want what its own bytes say, which the digest covers", got.Descriptor.MediaType, err)
	}
}

// A registry whose mounts fail may well take uploads.
func TestMountThatFailsIsRefused(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}), Options{RetryTimeout: 200 * time.Millisecond})
	mounted, err := client.MountBlob(context.Background(), "a", blobOf(t, nil), "b")
	if mounted || err != nil {
		t.Errorf("MountBlob() = %t, %v where the registry fails, want false and no error", mounted, err)
	}
}

// wantFromTheMiddle reads a blob from byte 5000 on.
func wantFromTheMiddle(t *testing.T, client *Client, content []byte) {
	t.Helper()
	body, err := client.Blob(t.Context(), "a", blobOf(t, content), 5_000, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, content[5_000:]) {
		t.Errorf("reading from 5000 gave %d bytes, error %v", len(got), err)
	}
}
