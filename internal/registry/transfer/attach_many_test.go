package transfer_test

import (
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// together holds requests back until so many are under way at once, and counts them.
type together struct {
	want  int
	match faults.Match

	once  sync.Once
	open  chan struct{}
	mu    sync.Mutex
	now   int
	count int
	alone bool // somebody has waited in vain
}

func newTogether(want int, match faults.Match) *together {
	return &together{want: want, match: match, open: make(chan struct{})}
}

func (g *together) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.match(r) {
			g.arrive()
		}
		next.ServeHTTP(w, r)
	})
}

func (g *together) arrive() {
	g.mu.Lock()
	g.count++
	if g.now++; g.now == g.want {
		g.once.Do(func() { close(g.open) })
	}
	g.mu.Unlock()
	select {
	case <-g.open:
	case <-time.After(20 * time.Second):
		g.mu.Lock()
		g.alone = true
		g.mu.Unlock()
	}
	g.mu.Lock()
	g.now--
	g.mu.Unlock()
}

// An image may have hundreds of attachments: they are read, asked about and put side by side, each
// once.
func TestManyAttachmentsGoSideBySide(t *testing.T) {
	const many = 24
	image := imageOf(t, randomLayer(t, 1_000))
	digest := must[v1.Hash](t)(image.Digest())
	attached := func(kind registrytest.Kind) faults.Match {
		return func(r *http.Request) bool {
			q := registrytest.Classify(r)
			return q.Kind == kind && strings.HasPrefix(q.Reference, "sha256:") && q.Reference != digest.String()
		}
	}
	read, put := newTogether(4, attached(registrytest.GetManifest)), newTogether(4, attached(registrytest.PutManifest))
	asked := newTogether(4, func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/referrers/") && !strings.HasSuffix(r.URL.Path, digest.String())
	})
	source := ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0)))
	w := newWorld(t, serve(t, func(http.Handler) http.Handler { return read.wrap(asked.wrap(source)) }), serve(t, put.wrap))
	push(t, w.from, "one:v0", image)
	var want []v1.Hash
	for range many {
		want = append(want, refer(t, w.from, "one", image))
	}
	planned, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	for i, attached := range want {
		if digestAt(t, w.to, "mirror/one@"+attached.String()) == "" {
			t.Errorf("attachment %d did not travel", i)
		}
	}
	if got := len(planned.Artifacts[0].Attachments); got != many {
		t.Errorf("%d attachments are planned, want %d", got, many)
	}
	for name, g := range map[string]*together{"read": read, "asked about": asked, "put": put} {
		if g.alone || g.count != many {
			t.Errorf("attachments were %s %d times, one by one: %t; want %d times side by side", name, g.count, g.alone, many)
		}
	}
}
