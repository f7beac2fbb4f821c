package transfer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// manifestsPut notes the references under which manifests are put, in their order.
type manifestsPut struct {
	mu   sync.Mutex
	seen []string
}

func (m *manifestsPut) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := registrytest.Classify(r); q.Kind == registrytest.PutManifest {
			m.mu.Lock()
			m.seen = append(m.seen, q.Reference)
			m.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// Some registries refuse a signature whose image is not there; whoever pulls by tag wants the
// signature to be there already.
func TestAnImageIsPutBeforeItsSignatureAndTaggedAfter(t *testing.T) {
	var put manifestsPut
	w := newWorld(t, startRegistry(t, false), serve(t, func(next http.Handler) http.Handler {
		return put.wrap(faults.SubjectFirst()(next))
	}))
	digest := push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000)))
	sign(t, w.from, "one", digest)
	_, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	want := []string{digest.String(), "sha256-" + digest.Hex + ".sig", "v0"}
	if !slices.Equal(put.seen, want) || report.Incomplete != 0 {
		t.Errorf("manifests were put as %q with %d incomplete, want %q", put.seen, report.Incomplete, want)
	}
}

// The image arrives at a target that refuses what is attached to it, and the result says so in
// this run and in the next.
func TestATargetThatRefusesAttachments(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType} {
		for _, how := range []string{"by tag", "by subject"} {
			t.Run(fmt.Sprint(status, how), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, startRegistry(t, true), serve(t, faults.RefuseAttachments(status)))
				image := imageOf(t, randomLayer(t, 1_000))
				digest := push(t, w.from, "one:v0", image)
				if how == "by tag" {
					sign(t, w.from, "one", digest)
				} else {
					refer(t, w.from, "one", image)
				}
				for range 2 {
					_, report := w.copy(t, plan.Options{}, "one:v0")
					wantCopied(t, report)
					if got := report.Results[0].Incomplete; got == nil || !strings.Contains(got.Error(), fmt.Sprint(status)) {
						t.Errorf("Incomplete = %v, want the target's answer %d", got, status)
					}
					if digestAt(t, w.to, "mirror/one:v0") != digest.String() {
						t.Error("the image did not arrive")
					}
				}
			})
		}
	}
}

// Where tags cannot be moved, the tag that lists referrers can be written once only.
func TestReferrersAreListedOnce(t *testing.T) {
	handler := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	w := newWorld(t, startRegistry(t, true), serve(t, func(http.Handler) http.Handler { return faults.ImmutableTags()(handler) }))
	image := imageOf(t, randomLayer(t, 1_000))
	digest := push(t, w.from, "one:v0", image)
	want := []v1.Hash{refer(t, w.from, "one", image), refer(t, w.from, "one", image), refer(t, w.from, "one", image)}
	_, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	if got := report.Results[0].Incomplete; got != nil {
		t.Errorf("Incomplete = %v, want all three listed", got)
	}
	var index v1.IndexManifest
	body := get(t, "http://"+w.to+"/v2/mirror/one/manifests/sha256-"+digest.Hex)
	if err := json.Unmarshal(body, &index); err != nil {
		t.Fatal(err)
	}
	for _, referrer := range want {
		if !slices.ContainsFunc(index.Manifests, func(d v1.Descriptor) bool { return d.Digest == referrer }) {
			t.Errorf("the referrers tag lists %v, want %s too", index.Manifests, referrer)
		}
	}
}

// get is the body of an answer that has to be good.
func get(t *testing.T, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp := must[*http.Response](t)(http.DefaultClient.Do(request))
	defer resp.Body.Close()
	body := must[[]byte](t)(io.ReadAll(resp.Body))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %s", url, resp.Status)
	}
	return body
}
