package remote

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// habitual is a client of a registry that holds repository a with tag v1 and one blob. The
// habits stand before it from then on.
func habitual(t *testing.T, opts Options, habits ...registrytest.Middleware) (*Client, v1.Descriptor, *registrytest.Counter) {
	t.Helper()
	behind := registrytest.InProcess(t, registrytest.Options{})
	blob := seed(t, newClient(t, behind.Host, Options{Push: true}))
	counter := &registrytest.Counter{}
	front := registrytest.Front(t, behind, append([]registrytest.Middleware{counter.Wrap}, habits...)...)
	return newClient(t, front.Host, opts), blob, counter
}

// seed pushes a blob and an image of it, and returns the blob.
func seed(t *testing.T, client *Client) v1.Descriptor {
	t.Helper()
	content := []byte(strings.Repeat("content", 100))
	blob := blobOf(t, content)
	if _, err := client.PushBlob(t.Context(), "a", blob, memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":%q,"size":%d},"layers":[]}`, blob.Digest, blob.Size)
	manifest, err := oci.New(types.OCIManifestSchema1, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PushManifest(t.Context(), "a", "v1", manifest); err != nil {
		t.Fatal(err)
	}
	return blob
}

// Whatever a registry says to a HEAD, what GET finds is there, and what it does not find is not.
func TestResolveWhereHeadIsRefused(t *testing.T) {
	for _, push := range []bool{false, true} {
		for _, status := range []int{400, 401, 403, 404, 405, 406, 415, 422, 500, 501} {
			client, _, counter := habitual(t, Options{Push: push}, faults.RefuseHead(status))
			if status == http.StatusNotFound && push { // who pushes lists the tags where one is missing, and asks again
				if _, err := client.Tags(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				found, err := client.Resolve(t.Context(), "a", "v1")
				if err != nil || found.MediaType != types.OCIManifestSchema1 {
					t.Errorf("HEAD answers %d: Resolve(v1) = %v, %v, want the image", status, found, err)
				}
			}
			if got := counter.Counts().Total(registrytest.HeadManifest); got != 1 {
				t.Errorf("HEAD answers %d and was tried %d times, want once", status, got)
			}
			for _, missing := range []string{"v2", "sha256:" + strings.Repeat("0", 64)} {
				if _, err := client.Resolve(t.Context(), "a", missing); !errors.Is(err, registry.ErrNotFound) {
					t.Errorf("HEAD answers %d: Resolve(%s) = %v, want ErrNotFound", status, missing, err)
				}
			}
		}
	}
}

// A HEAD that has told the truth is believed: 404 costs one request.
func TestMissingIsOneRequest(t *testing.T) {
	for _, push := range []bool{false, true} {
		client, _, counter := habitual(t, Options{Push: push})
		if _, err := client.Resolve(t.Context(), "a", "v1"); err != nil {
			t.Fatal(err)
		}
		before := counter.Counts().Total()
		if _, err := client.Resolve(t.Context(), "a", "v2"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Resolve(v2) = %v, want ErrNotFound", err)
		}
		if got := counter.Counts().Total() - before; got != 1 {
			t.Errorf("a missing tag took %d requests, want 1", got)
		}
	}
}

// Some registries say 403, or 401, of what does not exist. A listing tells that apart from what
// may not be read: that is never taken for missing.
func TestResolveOfWhatIsHidden(t *testing.T) {
	const head, get = registrytest.HeadManifest, registrytest.GetManifest
	refusedList := faults.Answer{On: faults.On(registrytest.ListTags), Times: faults.Always, Status: 403, Code: "DENIED"}.Fault()
	refusedAll := faults.Answer{On: faults.On(head, get), Times: faults.Always, Status: 403, Code: "DENIED"}.Fault()
	tests := []struct {
		name            string
		habits          []registrytest.Middleware
		repository, tag string
		want            error
	}{
		{"HEAD of a missing tag", []registrytest.Middleware{faults.HideMissing(403, head)}, "a", "v2", registry.ErrNotFound},
		{"a missing tag", []registrytest.Middleware{faults.HideMissing(403, head, get)}, "a", "v2", registry.ErrNotFound},
		{"with 401", []registrytest.Middleware{faults.HideMissing(401, head, get)}, "a", "v2", registry.ErrNotFound},
		{"a missing digest", []registrytest.Middleware{faults.HideMissing(403, head, get)}, "a", "sha256:" + strings.Repeat("0", 64), registry.ErrNotFound},
		{"a missing repository", []registrytest.Middleware{faults.HideMissing(403, head, get)}, "b", "v1", registry.ErrNotFound},
		{"a tag that is there", []registrytest.Middleware{faults.HideMissing(403, head, get)}, "a", "v1", nil},
		{"nothing may be listed", []registrytest.Middleware{faults.HideMissing(403, head, get), refusedList}, "a", "v2", registry.ErrForbidden},
		{"a tag that may not be read", []registrytest.Middleware{refusedAll}, "a", "v1", registry.ErrForbidden},
	}
	for _, tt := range tests {
		for _, push := range []bool{false, true} {
			client, _, _ := habitual(t, Options{Push: push}, tt.habits...)
			_, err := client.Resolve(t.Context(), tt.repository, tt.tag)
			if missing := errors.Is(tt.want, registry.ErrNotFound); !errors.Is(err, tt.want) || errors.Is(err, registry.ErrNotFound) != missing {
				t.Errorf("%s: Resolve(%s, %s) = %v, want %v", tt.name, tt.repository, tt.tag, err, tt.want)
			}
		}
	}
}

// The registry's own words are heard although a HEAD cannot say them.
func TestRefusalsAreHeard(t *testing.T) {
	expired := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired."}]}`)
		})
	}
	client, _, counter := habitual(t, Options{}, expired)
	_, err := client.Resolve(t.Context(), "a", "v1")
	if !errors.Is(err, registry.ErrExpired) || !strings.Contains(err.Error(), "Your authorization token has expired.") {
		t.Errorf("Resolve() = %v, want ErrExpired and the registry's words", err)
	}
	if got := counter.Counts().Total(); got != 2 {
		t.Errorf("that took %d requests, want 2", got)
	}
}

func TestHasBlobWhereHeadIsRefused(t *testing.T) {
	missing := blobOf(t, []byte("missing"))
	for _, push := range []bool{false, true} {
		for _, status := range []int{400, 401, 403, 405, 500, 501} {
			client, blob, counter := habitual(t, Options{Push: push}, faults.RefuseHead(status))
			for range 2 {
				if has, err := client.HasBlob(t.Context(), "a", blob); !has || err != nil {
					t.Errorf("HEAD answers %d: HasBlob(there) = %t, %v, want true", status, has, err)
				}
			}
			if has, err := client.HasBlob(t.Context(), "a", missing); has || err != nil {
				t.Errorf("HEAD answers %d: HasBlob(missing) = %t, %v, want false", status, has, err)
			}
			if got := counter.Counts().Total(registrytest.HeadBlob); got != 1 {
				t.Errorf("HEAD answers %d and was tried %d times, want once", status, got)
			}
		}
	}
}

// What is there with another size is no such blob, and is sent anew whatever the registry says.
func TestLeftOversAreNoBlob(t *testing.T) {
	for _, size := range []int64{0, 5} {
		client, blob, counter := habitual(t, Options{Push: true}, faults.LeftOvers(size))
		if has, err := client.HasBlob(t.Context(), "a", blob); has || err != nil {
			t.Fatalf("HasBlob() = %t, %v of %d bytes, want false", has, err, size)
		}
		content := []byte(strings.Repeat("content", 100))
		outcome, err := client.PushBlob(t.Context(), "a", blob, memoryBody(content), false)
		if outcome != registry.Uploaded || err != nil {
			t.Errorf("PushBlob() = %v, %v, want the blob uploaded", outcome, err)
		}
		if got := counter.Counts().BytesReceived; got < blob.Size {
			t.Errorf("%d bytes were sent, want %d", got, blob.Size)
		}
		if has, err := client.HasBlob(t.Context(), "a", blob); !has || err != nil {
			t.Errorf("HasBlob() = %t, %v after the upload, want true", has, err)
		}
	}
}

// A registry that keeps what it has, whatever it is sent, does not hold the blob; one whose HEAD
// alone is wrong does.
func TestLeftOversThatStay(t *testing.T) {
	content := []byte(strings.Repeat("content", 100))
	for size, want := range map[int64]error{0: registry.ErrKeepsOther, 5: registry.ErrKeepsOther, int64(len(content)): nil} {
		stays := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				kind := registrytest.Classify(r).Kind
				switch {
				case kind == registrytest.HeadBlob:
					w.Header().Set("Content-Length", "5")
				case kind == registrytest.GetBlob:
					http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content[:size]))
				default:
					next.ServeHTTP(w, r)
				}
			})
		}
		client, blob, _ := habitual(t, Options{Push: true}, stays)
		if has, err := client.HasBlob(t.Context(), "a", blob); has || err != nil {
			t.Fatalf("HasBlob() = %t, %v, want false", has, err)
		}
		if _, err := client.PushBlob(t.Context(), "a", blob, memoryBody(content), false); !errors.Is(err, want) {
			t.Errorf("PushBlob() = %v where %d bytes stay, want %v", err, size, want)
		}
	}
}

// Bytes arrive as they are, whatever was done to them on the way.
func TestAnswersCompressedOnTheWay(t *testing.T) {
	kinds := []registrytest.Kind{registrytest.GetManifest, registrytest.ListTags, registrytest.GetBlob}
	tests := []struct {
		unasked  bool
		encoding string
	}{{false, "gzip"}, {true, "gzip"}, {true, "deflate"}}
	for _, tt := range tests {
		client, blob, _ := habitual(t, Options{}, faults.Compress(tt.unasked, tt.encoding, kinds...))
		if tags, err := client.Tags(t.Context(), "a"); err != nil || len(tags) != 1 {
			t.Errorf("%+v: Tags() = %q, %v, want v1", tt, tags, err)
		}
		if _, err := client.Manifest(t.Context(), "a", "v1"); err != nil {
			t.Errorf("%+v: Manifest() = %v, want no error", tt, err)
		}
		for _, from := range []int64{0, 9} {
			content, err := client.Blob(t.Context(), "a", blob, from, blob.Size)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(content)
			_ = content.Close()
			if want := strings.Repeat("content", 100)[from:]; err != nil || !bytes.Equal(got, []byte(want)) {
				t.Errorf("%+v: reading from %d gave %d bytes, %v, want %d", tt, from, len(got), err, len(want))
			}
		}
	}
}

// Some stores call a blob encoded that is compressed anyway, and send it as it is.
func TestBlobThatIsCalledEncoded(t *testing.T) {
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = io.CopyN(zip, rand.Reader, 10_000)
	_ = zip.Close()
	t.Run("compressed", func(t *testing.T) { calledEncoded(t, zipped.Bytes()) })
	t.Run("not compressed", func(t *testing.T) { calledEncoded(t, bytes.Repeat([]byte("0123456789"), 100)) })
}

func calledEncoded(t *testing.T, content []byte) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "x-gzip")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}), Options{})
	for _, from := range []int64{0, 10} {
		blob := blobOf(t, content)
		blob.MediaType = types.OCILayer
		body, err := client.Blob(t.Context(), "a", blob, from, blob.Size)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		_ = body.Close()
		if err != nil || !bytes.Equal(got, content[from:]) {
			t.Errorf("reading from %d gave %d bytes, %v, want %d", from, len(got), err, len(content[from:]))
		}
	}
}

func TestManifestsOfAnyContentType(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "text/plain; charset=utf-8", "application/octet-stream"} {
		client, _, _ := habitual(t, Options{}, faults.PlainTypes(contentType))
		found, err := client.Resolve(t.Context(), "a", "v1")
		if err != nil || found.MediaType != types.OCIManifestSchema1 {
			t.Errorf("served as %q: Resolve() = %v, %v, want an OCI image", contentType, found.MediaType, err)
		}
	}
	client, _, _ := habitual(t, Options{}, faults.PlainTypes("text/html"))
	if _, err := client.Resolve(t.Context(), "a", "v1"); !errors.Is(err, registry.ErrUnknownType) {
		t.Errorf("served as a page: Resolve() = %v, want ErrUnknownType", err)
	}
}

// A web server is no registry: what it does not know is not a login that is missing.
func TestPingOfNoRegistry(t *testing.T) {
	client := tokenClient(t, http.NotFoundHandler(), Options{})
	if err := client.Ping(t.Context()); !errors.Is(err, registry.ErrNoRegistry) {
		t.Errorf("Ping() = %v, want ErrNoRegistry", err)
	}
}
