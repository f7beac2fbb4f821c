package transfer_test

import (
	"context"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// awaiting is a run that copies two:v0, whose large layer another run is putting into mirror/one. The
// other run does so after a time.
func awaiting(t *testing.T, after, patience time.Duration) (*world, *transfer.Tally) {
	t.Helper()
	w := newWorld(t, startRegistry(t, true), registrytest.Distribution(t, registrytest.Options{}).Host)
	shared := randomLayer(t, 3<<20)
	push(t, w.from, "one:v0", imageOf(t, shared))
	push(t, w.from, "two:v0", imageOf(t, shared, randomLayer(t, 1<<10)))
	digest := must[v1.Hash](t)(shared.Digest())
	planned := w.plan(t, plan.Options{Awaited: map[v1.Hash][]string{digest: {"mirror/one"}}}, "two:v0")
	first := w.plan(t, plan.Options{}, "one:v0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(after)
		_, _ = transfer.Copy(context.Background(), w.ends, first, transfer.Options{})
	}()
	report := must[*transfer.Tally](t)(transfer.Copy(context.Background(), w.ends, planned, transfer.Options{MostPatience: patience}))
	<-done
	wantCopied(t, report)
	if digestAt(t, w.to, "mirror/two:v0") == "" {
		t.Error("two:v0 is not at the target")
	}
	return w, report
}

// What another run is putting is mounted from there once it is, and not fetched.
func TestAwaitedBlobIsMounted(t *testing.T) {
	_, report := awaiting(t, 200*time.Millisecond, time.Minute)
	if report.BlobsMounted != 1 || report.BytesFetched >= 3<<20 {
		t.Errorf("Copy() mounted %d blobs and fetched %d bytes, want one mounted, and the small ones fetched", report.BlobsMounted, report.BytesFetched)
	}
}

// Where the other run does not come to it in time, the blob is fetched after all.
func TestPatienceEnds(t *testing.T) {
	_, report := awaiting(t, 800*time.Millisecond, 100*time.Millisecond)
	if report.BytesFetched < 3<<20 {
		t.Errorf("Copy() fetched %d bytes, want those of the large blob too", report.BytesFetched)
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
