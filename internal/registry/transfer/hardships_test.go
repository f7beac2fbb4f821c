package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// refuse answers what matches with a status.
func refuse(status int, matches func(*http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if matches(r) {
				w.WriteHeader(status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Progress reaches what was announced and never more, also where a blob has to be fetched
// once more because a mount was refused or an upload failed.
func TestProgressCountsEachBlobOnce(t *testing.T) {
	tests := []struct {
		name   string
		target func(http.Handler) http.Handler
		failed int
	}{
		{"mounts are refused", func(h http.Handler) http.Handler { return h }, 0},
		{"one repository takes no uploads", refuse(http.StatusForbidden, func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/one/blobs/")
		}), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, startRegistry(t, true), serve(t, tt.target))
			image := imageOf(t, randomLayer(t, 3<<20))
			push(t, w.from, "one:v0", image)
			push(t, w.from, "two:v0", image)
			push(t, w.from, "three:v0", image)
			planned := w.plan(t, plan.Options{}, "one:v0", "two:v0", "three:v0")
			var meter registry.Meter
			report := must[*transfer.Tally](t)(transfer.Copy(context.Background(), w.ends, planned, transfer.Options{Meter: &meter, NoTempFiles: true}))
			if report.Failed != tt.failed {
				t.Errorf("%d artifacts failed, want %d", report.Failed, tt.failed)
			}
			if done, total := meter.BytesDone.Load(), meter.BytesTotal.Load(); done != total {
				t.Errorf("BytesDone = %d, want BytesTotal, %d", done, total)
			}
		})
	}
}

func TestFailuresOfTheSourceAreTheSources(t *testing.T) {
	blob := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/")
	}
	tests := []struct {
		name   string
		source func(http.Handler) http.Handler
		want   error
	}{
		{"a blob that is gone", refuse(http.StatusNotFound, blob), registry.ErrNotFound},
		{"a blob that may not be read", refuse(http.StatusForbidden, blob), registry.ErrForbidden},
		{"a blob that was changed", changeBlobs, registry.ErrDigestMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, serve(t, tt.source), startRegistry(t, true))
			push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000)))
			_, report := w.copy(t, plan.Options{}, "one:v0")
			err := report.Results[0].Err
			var failed *registry.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &failed) || failed.Side != registry.SideSource || failed.Host != w.from || !strings.HasPrefix(failed.Ref, w.from+"/one@sha256:") {
				t.Errorf("the error is %v, want %v at the source, with its host and reference", err, tt.want)
			}
		})
	}
}

// changeBlobs serves blobs with their first byte changed.
func changeBlobs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") {
			w = &changingWriter{ResponseWriter: w}
		}
		next.ServeHTTP(w, r)
	})
}

type changingWriter struct {
	http.ResponseWriter
	changed bool
}

func (w *changingWriter) Write(p []byte) (int, error) {
	if !w.changed && len(p) > 0 {
		w.changed = true
		p = append([]byte{p[0] + 1}, p[1:]...)
	}
	return w.ResponseWriter.Write(p)
}

func TestNarrowedIndexThatIsPresentIsLeftAlone(t *testing.T) {
	var writes atomic.Int64
	w := newWorld(t, startRegistry(t, true), serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				writes.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}))
	pushIndex(t, w.from, "one:v0")
	opts := plan.Options{Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64"}}}
	_, report := w.copy(t, opts, "one:v0")
	wantCopied(t, report)
	writes.Store(0)
	before := w.in.Requests.Load()
	planned, _ := w.copy(t, opts, "one:v0")
	wantStates(t, planned, "present")
	if took := w.in.Requests.Load() - before; writes.Load() != 0 || took != 1 {
		t.Errorf("an image that is present took %d requests at the target, %d of them writes, want 1 and none", took, writes.Load())
	}
	if len(planned.Blobs) != 0 {
		t.Errorf("the plan names %d blobs, want none", len(planned.Blobs))
	}
}

func TestSkippedArtifactMovesNothing(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	pushIndex(t, w.from, "one:v0")
	push(t, w.to, "mirror/one:v0", imageOf(t, randomLayer(t, 1_000)))
	planned := w.plan(t, plan.Options{
		Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64"}}, OnConflict: plan.ConflictSkip,
	}, "one:v0")
	wantStates(t, planned, "skip")
	if len(planned.Blobs) != 0 || planned.BytesToMove != 0 {
		t.Errorf("the plan moves %d blobs with %d bytes, want nothing", len(planned.Blobs), planned.BytesToMove)
	}
}

// What cannot be copied must not be announced as bytes to move.
func TestFailedArtifactsMoveNothing(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), serve(t, refuse(http.StatusForbidden, func(r *http.Request) bool {
		read := r.Method == http.MethodHead || r.Method == http.MethodGet
		return read && (strings.Contains(r.URL.Path, "/one/blobs/") || strings.Contains(r.URL.Path, "/one/tags/"))
	})))
	shared := randomLayer(t, 5_000)
	push(t, w.from, "one:v0", imageOf(t, shared, randomLayer(t, 2_000)))
	push(t, w.from, "two:v0", imageOf(t, shared))
	planned, report := w.copy(t, plan.Options{}, "one:v0", "two:v0")
	wantStates(t, planned, "failed new")
	if report.BytesFetched != planned.BytesToMove {
		t.Errorf("BytesFetched = %d, want BytesToMove, %d", report.BytesFetched, planned.BytesToMove)
	}
	for _, blob := range planned.Blobs {
		if len(blob.Repositories) != 1 || blob.Repositories[0] != "mirror/two" {
			t.Errorf("blob %s is for %q, want mirror/two", blob.Digest, blob.Repositories)
		}
	}
}

func TestTwoArtifactsForOneTag(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	same := imageOf(t, randomLayer(t, 1_000))
	push(t, w.from, "one:v0", same)
	push(t, w.from, "two:v0", same)
	push(t, w.from, "three:v0", imageOf(t, randomLayer(t, 1_000)))
	artifacts := w.artifacts("one:v0", "two:v0", "three:v0")
	for i := range artifacts {
		artifacts[i].Target.Repository = "mirror/all"
	}
	planned := must[*plan.Plan](t)(plan.New(context.Background(), w.ends, artifacts, plan.Options{}))
	wantStates(t, planned, "new new failed")
	if err := planned.Artifacts[2].Err; !errors.Is(err, registry.ErrConflict) {
		t.Errorf("the error is %v, want ErrConflict", err)
	}
}

func TestArtifactsByDigestAreFound(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	digest := push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000)))
	push(t, w.to, "mirror/one:other", imageOf(t, randomLayer(t, 1_000)))
	artifacts := w.artifacts("one:v0", "one:v0")
	artifacts[1].Source = ref.Reference{Host: w.from, Repository: "one", Digest: digest.String()}
	artifacts[1].Target = ref.Reference{Host: w.to, Repository: "mirror/one", Digest: digest.String()}
	for i, want := range []string{"new new", "new present", "new present"} {
		artifacts[0].Target.Tag = fmt.Sprintf("v%d", i) // a tag that is missing leads to a listing of tags
		planned := must[*plan.Plan](t)(plan.New(context.Background(), w.ends, artifacts, plan.Options{}))
		wantStates(t, planned, want)
		wantCopied(t, must[*transfer.Tally](t)(transfer.Copy(context.Background(), w.ends, planned, transfer.Options{})))
	}
}

// A run that was killed after it had put a referrer, and before it had listed it, is made
// good by the next.
func TestReferrerThatIsNotListedIsListed(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, false))
	image := imageOf(t, randomLayer(t, 1_000))
	digest := push(t, w.from, "one:v0", image)
	sbom := mutate.Subject(imageOf(t, randomLayer(t, 100)), v1.Descriptor{
		Digest: digest, Size: must[int64](t)(image.Size()), MediaType: must[*v1.Manifest](t)(image.Manifest()).MediaType,
	}).(v1.Image)
	name := must[v1.Hash](t)(sbom.Digest()).String()
	push(t, w.from, "one@"+name, sbom)
	push(t, w.to, "mirror/one:other", imageOf(t, randomLayer(t, 1_000)))
	putRaw(t, manifestAt(w.to, "mirror/one", name), types.OCIManifestSchema1, must[[]byte](t)(sbom.RawManifest()))
	tag := "mirror/one:" + strings.Replace(digest.String(), ":", "-", 1)
	if digestAt(t, w.to, tag) != "" {
		t.Fatal("the referrer is listed before")
	}
	_, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	if digestAt(t, w.to, tag) == "" {
		t.Fatal("the referrer is not listed")
	}
}

// putRaw puts a manifest and nothing beside it.
func putRaw(t *testing.T, address string, mediaType types.MediaType, manifest []byte) {
	t.Helper()
	req := must[*http.Request](t)(http.NewRequestWithContext(context.Background(), http.MethodPut, address, bytes.NewReader(manifest)))
	req.Header.Set("Content-Type", string(mediaType))
	resp := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("putting a manifest: %s", resp.Status)
	}
}

func TestPlacesThatHoldABlobCountOnce(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	shared := randomLayer(t, 1_000)
	push(t, w.to, "mirror/one:other", imageOf(t, shared))
	for _, ref := range tags("one", 3) {
		push(t, w.from, ref, imageOf(t, shared, randomLayer(t, 100)))
	}
	_, report := w.copy(t, plan.Options{}, tags("one", 3)...)
	wantCopied(t, report)
	if report.BlobsPresent != 1 || report.BlobsUploaded != 6 {
		t.Errorf("%d blobs were there and %d were uploaded, want 1 and 6", report.BlobsPresent, report.BlobsUploaded)
	}
}

// An upload that has failed for good does not wait for a source that has stopped sending.
func TestRefusedUploadDoesNotWaitForTheSource(t *testing.T) {
	layer := randomLayer(t, 4<<20)
	digest := must[v1.Hash](t)(layer.Digest()).String()
	var first sync.Once
	stalled := make(chan struct{})
	w := newWorld(t, serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/blobs/"+digest) {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = w.Write(make([]byte, 64<<10))
			_ = http.NewResponseController(w).Flush()
			first.Do(func() { close(stalled) })
			<-r.Context().Done()
		})
	}), serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				_, _ = r.Body.Read(make([]byte, 1))
				<-stalled
				w.WriteHeader(http.StatusForbidden)
				_ = http.NewResponseController(w).Flush()
				return
			}
			next.ServeHTTP(w, r)
		})
	}))
	push(t, w.from, "one:v0", imageOf(t, layer))
	started := time.Now()
	_, report := w.copy(t, plan.Options{}, "one:v0")
	if err := report.Results[0].Err; !errors.Is(err, registry.ErrForbidden) {
		t.Errorf("the error is %v, want ErrForbidden", err)
	}
	if took := time.Since(started); took > remote.DefaultStallTimeout*2/3 {
		t.Errorf("that took %s", took)
	}
}

// A target that refuses everything is reported at once, however long the source takes to
// say nothing.
func TestRefusingTargetDoesNotWaitForTheSource(t *testing.T) {
	silent := serve(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	})
	refusing := serve(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	})
	w := newWorld(t, silent, refusing)
	started := time.Now()
	planned, err := plan.New(t.Context(), w.ends, w.artifacts("one:v0", "two:v0"), plan.Options{})
	if !errors.Is(err, registry.ErrForbidden) && (planned == nil || !errors.Is(planned.Artifacts[0].Err, registry.ErrForbidden)) {
		t.Errorf("New() = %v, %v, want ErrForbidden", planned, err)
	}
	if took := time.Since(started); took > remote.DefaultStallTimeout*2/3 {
		t.Errorf("that took %s", took)
	}
}

// Bytes that nobody needs any more are not moved on: the rest of an image one of whose layers
// cannot be had.
func TestNothingIsMovedForAnArtifactThatHasFailed(t *testing.T) {
	gone := randomLayer(t, 1_000)
	digest := must[v1.Hash](t)(gone.Digest()).String()
	var broken atomic.Bool
	started := make(chan struct{})
	begun := sync.OnceFunc(func() { close(started) })
	from := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := registrytest.Classify(r)
			if !broken.Load() || q.Kind != registrytest.GetBlob {
				next.ServeHTTP(w, r)
				return
			}
			if q.Reference == digest {
				<-started
				w.WriteHeader(http.StatusNotFound)
				return
			}
			// The large layer begins and then stands still: only an end of the request ends it.
			w.Header().Set("Content-Length", strconv.Itoa(8<<20))
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(make([]byte, 1000))
			_ = http.NewResponseController(w).Flush()
			begun()
			<-r.Context().Done()
		})
	})
	w := newWorld(t, from, startRegistry(t, true))
	push(t, from, "app:v0", imageOf(t, randomLayer(t, 8<<20), gone))
	planned := w.plan(t, plan.Options{}, "app:v0")
	broken.Store(true)
	report := must[*transfer.Tally](t)(transfer.Copy(t.Context(), w.ends, planned, transfer.Options{}))
	if err := report.Results[0].Err; !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("the image = %v, want not found", err)
	}
	if report.Duration > 20*time.Second {
		t.Errorf("that took %s, want an end as soon as the image had failed", report.Duration)
	}
}
