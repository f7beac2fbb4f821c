package transfer_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// serve starts an in-process registry behind a handler that may spoil requests.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	server := httptest.NewServer(wrap(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// cutUploads ends the first uploads in the middle of their bodies.
func cutUploads(times int64, after int64) func(http.Handler) http.Handler {
	var cut atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && r.ContentLength > after && cut.Add(1) <= times {
				_, _ = io.CopyN(io.Discard, r.Body, after)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Both registries may be lowered to one request at a time while several uploads are under
// way. One that has broken must not keep its place at the source from the one that has a
// place at the target.
func TestBrokenUploadsDoNotBlockEachOther(t *testing.T) {
	t.Run("whole blobs", func(t *testing.T) { uploadThroughOneGate(t, 0) })
	t.Run("chunks", func(t *testing.T) { uploadThroughOneGate(t, 3<<20) })
}

func uploadThroughOneGate(t *testing.T, chunk int64) {
	from, to := startRegistry(t, true), serve(t, cutUploads(4, 2<<20))
	source := newClient(t, from, remote.Options{Jobs: 1})
	target := newClient(t, to, remote.Options{Side: registry.SideTarget, Push: true, Jobs: 1})
	target.ChunkSize(chunk)
	w := &world{from: from, to: to, ends: registry.Endpoints{
		Source: func(string) (registry.Source, error) { return source, nil }, Target: target,
	}}
	refs := tags("app", 4)
	for _, ref := range refs {
		push(t, from, ref, imageOf(t, randomLayer(t, 8<<20)))
	}
	planned := w.plan(t, plan.Options{}, refs...)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	report, err := transfer.Copy(ctx, w.ends, planned, transfer.Options{Jobs: 4})
	if err != nil {
		t.Fatalf("Copy() = %v, want an end", err)
	}
	wantCopied(t, report)
	// What the first upload that broke had sent was not kept; those after it keep theirs.
	if again := report.BytesFetched - planned.BytesToMove; again < 0 || again > 8<<20 {
		t.Errorf("BytesFetched = %d, want %d once and at most one blob again", report.BytesFetched, planned.BytesToMove)
	}
}
