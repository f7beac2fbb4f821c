package transfer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// answering serves what answers it, and everything else from an empty registry.
func answering(t *testing.T, answers func(w http.ResponseWriter, r *http.Request) bool) string {
	t.Helper()
	return serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answers(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	})
}

// newHastyWorld has clients that give up soon.
func newHastyWorld(t *testing.T, from, to string, timeout time.Duration) *world {
	t.Helper()
	w := &world{from: from, to: to}
	source := newClient(t, from, remote.Options{Traffic: &w.out, Side: registry.SideSource, RetryTimeout: timeout})
	target := newClient(t, to, remote.Options{Traffic: &w.in, Side: registry.SideTarget, Push: true, RetryTimeout: timeout})
	w.ends = registry.Endpoints{Source: func(string) (registry.Source, error) { return source, nil }, Target: target}
	return w
}

// manifestAt is the address of a manifest.
func manifestAt(host, repository, reference string) string {
	return "http://" + host + "/v2/" + repository + "/manifests/" + reference
}

// A source that lists a tag with a path in it must not write to other repositories of the
// target, not even behind a proxy that tidies addresses.
func TestATagInAListingStaysInItsRepository(t *testing.T) {
	image := imageOf(t, randomLayer(t, 1000))
	digest := must[v1.Hash](t)(image.Digest())
	for _, suffix := range []string{"x/../../../../other/victim/manifests/latest", "%2e%2e", "a b", "a?b", "a#b", "%zz", "\x1b[31m", strings.Repeat("x", 128)} {
		from := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case strings.HasSuffix(r.URL.Path, "/tags/list"):
				_ = json.NewEncoder(w).Encode(map[string]any{"tags": []string{"v0", "sha256-" + digest.Hex + "." + suffix}})
				return true
			case strings.Contains(r.URL.Path, "/manifests/sha256-"):
				w.Header().Set("Content-Type", string(types.OCIImageIndex))
				_, _ = w.Write([]byte(`{"schemaVersion":2,"manifests":[]}`))
				return true
			}
			return false
		})
		var strayed atomic.Value
		to := answering(t, func(_ http.ResponseWriter, r *http.Request) bool {
			if clean := path.Clean(r.URL.Path); strings.HasPrefix(clean, "/v2/other/") || strings.Contains(r.URL.Path, "sha256-") {
				strayed.Store(r.Method + " " + r.URL.Path)
			}
			r.URL.Path = path.Clean(r.URL.Path) + strings.Repeat("/", strings.Count(r.URL.Path, "/uploads/")-strings.Count(path.Clean(r.URL.Path), "/uploads/"))
			return false
		})
		push(t, from, "app:v0", image)
		w := newWorld(t, from, to)
		_, report := w.copy(t, plan.Options{}, "app:v0")
		wantCopied(t, report)
		if got := strayed.Load(); got != nil {
			t.Errorf("suffix %q led to %s", suffix, got)
		}
	}
}

// A listing that looks shorter than it is must not make a tag look free.
func TestATagThatAListingLacksIsLookedUp(t *testing.T) {
	from := startRegistry(t, false)
	to := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			fmt.Fprint(w, `{"tags":["old"]}`)
			return true
		}
		return false
	})
	apps := tags("app", 9)
	for _, tag := range apps {
		push(t, from, tag, imageOf(t, randomLayer(t, 1000)))
	}
	held := push(t, to, "mirror/app:v4", imageOf(t, randomLayer(t, 1000))) // very likely neither the first nor the last to be looked up
	w := newWorld(t, from, to)
	_, report := w.copy(t, plan.Options{}, apps...)
	if err := report.Results[4].Err; !errors.Is(err, registry.ErrConflict) || report.Copied != 8 {
		t.Errorf("copying what holds other content = %v, and %d copied, want a conflict and 8", err, report.Copied)
	}
	if got := digestAt(t, to, "mirror/app:v4"); got != held.String() {
		t.Errorf("the tag was moved from %s to %s", held, got)
	}
}

// A manifest that lies about the size of a layer fails alone.
func TestALieAboutASizeFailsAlone(t *testing.T) {
	w := newHastyWorld(t, startRegistry(t, false), startRegistry(t, false), time.Second)
	base := randomLayer(t, 1000)
	push(t, w.from, "good:v0", imageOf(t, base, randomLayer(t, 300)))
	bad := imageOf(t, base)
	push(t, w.from, "bad:v0", bad)
	size := must[int64](t)(base.Size())
	truth := must[[]byte](t)(bad.RawManifest())
	lie := bytes.Replace(truth, fmt.Appendf(nil, `"size":%d`, size), fmt.Appendf(nil, `"size":%d`, size+1), 1)
	putRaw(t, manifestAt(w.from, "bad", "v1"), types.OCIManifestSchema1, lie)
	_, report := w.copy(t, plan.Options{}, "bad:v1", "good:v0")
	if report.Results[0].Err == nil || report.Results[1].Err != nil {
		t.Errorf("errors = %v and %v, want the first only", report.Results[0].Err, report.Results[1].Err)
	}
	if got := digestAt(t, w.to, "mirror/bad:v1"); got != "" {
		t.Errorf("the target has %s, want nothing", got)
	}
}

// An empty blob that is not what it should be is the source's fault, and nothing is sent.
func TestAnEmptyBlobIsCheckedToo(t *testing.T) {
	w := newWorld(t, startRegistry(t, false), startRegistry(t, false))
	image := imageOf(t, static.NewLayer([]byte("content"), types.OCILayer))
	push(t, w.from, "app:v0", image)
	lie := bytes.Replace(must[[]byte](t)(image.RawManifest()), []byte(`"size":7`), []byte(`"size":0`), 1)
	putRaw(t, manifestAt(w.from, "app", "v1"), types.OCIManifestSchema1, lie)
	_, report := w.copy(t, plan.Options{}, "app:v1")
	var failed *registry.Error
	if err := report.Results[0].Err; !errors.As(err, &failed) || failed.Side != registry.SideSource || failed.Host == "" || !strings.HasPrefix(failed.Ref, failed.Host+"/") || !strings.Contains(err.Error(), "is said to have no bytes") {
		t.Errorf("error = %v, want that the source's manifest lies", err)
	}
}

// What is an image to one reader and an index to another is not copied.
func TestAnAmbiguousManifestIsRefused(t *testing.T) {
	image := imageOf(t, randomLayer(t, 1000))
	raw := bytes.Replace(must[[]byte](t)(image.RawManifest()), []byte(`"mediaType":"application/vnd.oci.image.manifest.v1+json",`), nil, 1)
	for _, tt := range []struct {
		mediaType types.MediaType
		body      []byte
	}{
		{types.OCIImageIndex, raw},
		{types.OCIManifestSchema1, bytes.Replace(raw, []byte(`{`), []byte(`{"manifests":[],`), 1)},
	} {
		from := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/manifests/v1") {
				w.Header().Set("Content-Type", string(tt.mediaType))
				_, _ = w.Write(tt.body)
				return true
			}
			return false
		})
		w := newWorld(t, from, startRegistry(t, false))
		push(t, from, "app:v0", image)
		_, report := w.copy(t, plan.Options{}, "app:v1")
		if err := report.Results[0].Err; err == nil || !strings.Contains(err.Error(), "has the fields of another") {
			t.Errorf("copying it as %s = %v, want it refused", tt.mediaType, err)
		}
	}
}

// Somebody's signature in a form that no registry takes any more must not keep an image from
// being copied.
func TestAnUnknownAttachmentIsLeftOut(t *testing.T) {
	const odd = "application/vnd.oci.artifact.manifest.v1+json"
	image := imageOf(t, randomLayer(t, 1000))
	subject := must[v1.Hash](t)(image.Digest())
	body := []byte(`{"mediaType":"` + odd + `","blobs":[]}`)
	digest, _, err := v1.SHA256(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	from := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/referrers/"+subject.String()):
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, odd, digest, len(body))
		case strings.HasSuffix(r.URL.Path, "/manifests/"+digest.String()):
			w.Header().Set("Content-Type", odd)
			_, _ = w.Write(body)
		default:
			return false
		}
		return true
	})
	w := newWorld(t, from, startRegistry(t, false))
	push(t, from, "app:v0", image)
	planned, report := w.copy(t, plan.Options{}, "app:v0")
	wantCopied(t, report)
	if warnings := strings.Join(planned.Warnings, "\n"); !strings.Contains(warnings, digest.String()+" is left out") {
		t.Errorf("warnings = %q, want one that names it", warnings)
	}
}

// Where a blob of a signature is gone the image arrives, and the result says what did not.
func TestABrokenAttachmentIsToldFromItsImage(t *testing.T) {
	sbom := static.NewLayer([]byte("what is in it"), types.OCILayer)
	gone := must[v1.Hash](t)(sbom.Digest())
	var broken atomic.Bool
	from := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !broken.Load() || !strings.HasSuffix(r.URL.Path, "/blobs/"+gone.String()) {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	w := newWorld(t, from, startRegistry(t, false))
	image := push(t, from, "app:v0", imageOf(t, randomLayer(t, 1000)))
	push(t, from, "app:sha256-"+image.Hex+".sbom", imageOf(t, sbom))
	push(t, from, "other:v0", imageOf(t, sbom))
	broken.Store(true)
	_, report := w.copy(t, plan.Options{}, "app:v0", "other:v0")
	if signed := report.Results[0]; signed.Err != nil || !errors.Is(signed.Incomplete, registry.ErrNotFound) || digestAt(t, w.to, "mirror/app:v0") != image.String() {
		t.Errorf("the signed image = %v, %v, want it there and its signature not found", signed.Err, signed.Incomplete)
	}
	if err := report.Results[1].Err; !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("an image that lacks a layer = %v, want not found", err)
	}
	if report.Failed != 1 || report.Copied != 1 || report.Incomplete != 1 {
		t.Errorf("%d failed, %d copied, %d incomplete, want 1 of each", report.Failed, report.Copied, report.Incomplete)
	}
	_, report = w.copy(t, plan.Options{WithoutAttachments: true}, "app:v0")
	wantCopied(t, report)
}

// A registry that fails at one image's referrers still lists those of other repositories.
func TestOneRepositorysReferrersFailAlone(t *testing.T) {
	unlucky, signed := imageOf(t, randomLayer(t, 1000)), imageOf(t, randomLayer(t, 1000))
	referrer := []byte(`{"schemaVersion":2,"manifests":[]}`)
	sum, size, err := v1.SHA256(bytes.NewReader(referrer))
	if err != nil {
		t.Fatal(err)
	}
	var refused atomic.Bool
	from := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/referrers/"+must[v1.Hash](t)(unlucky.Digest()).String()):
			w.WriteHeader(http.StatusInternalServerError)
			refused.Store(true)
			return true
		case strings.HasSuffix(r.URL.Path, "/referrers/"+must[v1.Hash](t)(signed.Digest()).String()):
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, types.OCIImageIndex, sum, size)
			return true
		case strings.Contains(r.URL.Path, "/referrers/"):
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			_, _ = w.Write(referrer) // which is as empty
			return true
		}
		return false
	})
	w := newHastyWorld(t, from, startRegistry(t, false), 300*time.Millisecond)
	push(t, from, "a:v0", unlucky)
	push(t, from, "b:v0", signed)
	putRaw(t, manifestAt(from, "b", sum.String()), types.OCIImageIndex, referrer)
	for _, app := range []string{"a:v0", "b:v0"} { // so that the refusal comes first
		_, report := w.copy(t, plan.Options{}, app)
		wantCopied(t, report)
	}
	if !refused.Load() {
		t.Error("nobody asked for the referrers that are refused")
	}
	if digestAt(t, w.to, "mirror/b@"+sum.String()) == "" {
		t.Error("what refers to the other image did not travel")
	}
}

// Mounting saves an upload, and never costs one: whichever way it fails, the blob is sent.
func TestAFailingMountIsNoReasonToFail(t *testing.T) {
	mount := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Get("mount") != "" }
	tests := []struct {
		name string
		fail func(w http.ResponseWriter)
	}{
		{"500", func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }},
		{"the connection ends", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
				if mount(r) {
					tt.fail(w)
				}
				return mount(r)
			})
			w := newHastyWorld(t, startRegistry(t, false), to, 500*time.Millisecond)
			image := imageOf(t, randomLayer(t, 1000))
			push(t, w.from, "a:v0", image)
			push(t, w.from, "b:v0", image)
			_, report := w.copy(t, plan.Options{}, "a:v0", "b:v0")
			wantCopied(t, report)
		})
	}
}

// Some token servers grant one repository a request, and a mount needs two.
func TestATokenServerThatGrantsOneRepository(t *testing.T) {
	var host string
	to := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token" && len(r.URL.Query()["scope"]) > 1:
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/token":
			fmt.Fprint(w, `{"token":"x","expires_in":300}`)
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			return false
		}
		return true
	})
	host = to
	w := newHastyWorld(t, startRegistry(t, false), to, time.Second)
	image := imageOf(t, randomLayer(t, 1000))
	push(t, w.from, "a:v0", image)
	push(t, w.from, "b:v0", image)
	_, report := w.copy(t, plan.Options{}, "a:v0", "b:v0")
	wantCopied(t, report)
}

// Two uploads that find out at once that a registry takes no chunks both go on.
func TestTwoUploadsLearnThatThereAreNoChunks(t *testing.T) {
	var puts, patches atomic.Int64
	both := make(chan struct{})
	to := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		upload := strings.Contains(r.URL.Path, "/blobs/uploads/")
		switch {
		case r.Method == http.MethodPut && upload && r.ContentLength > 1<<20 && puts.Add(1) <= 2:
			_, _ = io.CopyN(io.Discard, r.Body, 600<<10)
			panic(http.ErrAbortHandler)
		case r.Method == http.MethodGet && upload:
			w.Header().Set("Range", "0-524287")
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPatch:
			_, _ = io.Copy(io.Discard, r.Body)
			if patches.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(time.Minute):
			}
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			return false
		}
		return true
	})
	w := newWorld(t, startRegistry(t, false), to)
	push(t, w.from, "a:v0", imageOf(t, randomLayer(t, 2<<20), randomLayer(t, 2<<20)))
	_, report := w.copy(t, plan.Options{}, "a:v0")
	wantCopied(t, report)
	if patches.Load() != 2 {
		t.Errorf("%d chunks were refused, want 2: the test does not test what it should", patches.Load())
	}
}

// A blob that cannot be read is tried at each place once, however many repositories want it.
func TestABlobThatCannotBeReadIsTriedOnceAPlace(t *testing.T) {
	base := randomLayer(t, 1000)
	digest := must[v1.Hash](t)(base.Digest())
	var broken atomic.Bool
	var asked atomic.Int64
	from := answering(t, func(w http.ResponseWriter, r *http.Request) bool {
		if broken.Load() && strings.HasSuffix(r.URL.Path, digest.String()) {
			asked.Add(1)
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	w := newWorld(t, from, startRegistry(t, false))
	var refs []string
	for i := range 5 {
		refs = append(refs, fmt.Sprintf("app%d:v0", i))
		push(t, from, refs[i], imageOf(t, base, randomLayer(t, 100)))
	}
	broken.Store(true)
	_, report := w.copy(t, plan.Options{}, refs...)
	for _, result := range report.Results {
		if !errors.Is(result.Err, registry.ErrNotFound) {
			t.Errorf("%s: %v, want not found", result.Target, result.Err)
		}
	}
	if got := asked.Load(); got != 5 {
		t.Errorf("%d requests for the blob, want one for each of 5 repositories", got)
	}
}
