package transfer_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// awaiting is a run that copies two:v0, whose large layer another run is putting into mirror/one. The
// first looks now and then whether the layer has come to mirror/two; before each look is answered, looks is
// given the other run, to carry out, and how many looks there were.
func awaiting(t *testing.T, patience time.Duration, looks func(other func(), n int)) (*world, *transfer.Tally) {
	t.Helper()
	var look atomic.Pointer[func()]
	shared := randomLayer(t, 3<<20)
	digest := must[v1.Hash](t)(shared.Digest())
	to := registrytest.Front(t, registrytest.Distribution(t, registrytest.Options{}), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/mirror/two/blobs/"+digest.String()) {
				if look := look.Load(); look != nil {
					(*look)()
				}
			}
			next.ServeHTTP(w, r)
		})
	})
	w := newWorld(t, startRegistry(t, true), to.Host)
	push(t, w.from, "one:v0", imageOf(t, shared))
	push(t, w.from, "two:v0", imageOf(t, shared, randomLayer(t, 1<<10)))
	planned := w.plan(t, plan.Options{Awaited: map[v1.Hash][]string{digest: {"mirror/one"}}}, "two:v0")
	first := w.plan(t, plan.Options{}, "one:v0")
	var n atomic.Int32
	counted := func() {
		looks(func() {
			if _, err := transfer.Copy(t.Context(), w.ends, first, transfer.Options{}); err != nil {
				t.Error(err)
			}
		}, int(n.Add(1)))
	}
	look.Store(&counted)
	report := must[*transfer.Tally](t)(transfer.Copy(t.Context(), w.ends, planned, transfer.Options{MostPatience: patience}))
	wantCopied(t, report)
	if digestAt(t, w.to, "mirror/two:v0") == "" {
		t.Error("two:v0 is not at the target")
	}
	return w, report
}

// What another run is putting is mounted from there once it is, and not fetched: here it is put between the
// first look and the second.
func TestAwaitedBlobIsMounted(t *testing.T) {
	_, report := awaiting(t, time.Minute, func(other func(), n int) {
		if n == 2 {
			other()
		}
	})
	if report.BlobsMounted != 1 || report.BytesFetched >= 3<<20 {
		t.Errorf("Copy() mounted %d blobs and fetched %d bytes, want one mounted, and the small ones fetched", report.BlobsMounted, report.BytesFetched)
	}
}

// Where the other run does not come to it in time, the blob is fetched after all.
func TestPatienceEnds(t *testing.T) {
	var looked atomic.Int32
	_, report := awaiting(t, 100*time.Millisecond, func(func(), int) { looked.Add(1) })
	if report.BytesFetched < 3<<20 || looked.Load() < 2 {
		t.Errorf("Copy() fetched %d bytes after %d looks, want those of the large blob too, and more looks than one", report.BytesFetched, looked.Load())
	}
}

// A run without tags puts everything by digest; one that follows only tags it.
func TestUntagged(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	digest := push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1<<10)))
	planned := w.plan(t, plan.Options{}, "one:v0")
	wantCopied(t, must[*transfer.Tally](t)(transfer.Copy(context.Background(), w.ends, planned, transfer.Options{Untagged: true})))
	if got := digestAt(t, w.to, "mirror/one:v0"); got != "" {
		t.Errorf("the tag holds %s, want none yet", got)
	}
	if digestAt(t, w.to, "mirror/one@"+digest.String()) == "" {
		t.Error("the manifest is not there by its digest")
	}
	_, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	if report.BytesFetched != 0 || digestAt(t, w.to, "mirror/one:v0") != digest.String() {
		t.Errorf("the second copy fetched %d bytes, and the tag holds %q", report.BytesFetched, digestAt(t, w.to, "mirror/one:v0"))
	}
}
