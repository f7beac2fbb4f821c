package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// sign puts a signature where cosign does.
func sign(t *testing.T, host, repository string, subject v1.Hash) v1.Hash {
	t.Helper()
	return push(t, host, fmt.Sprintf("%s:%s-%s.sig", repository, subject.Algorithm, subject.Hex), imageOf(t, randomLayer(t, 100)))
}

// refer puts a manifest that names image as its subject.
func refer(t *testing.T, host, repository string, image v1.Image) v1.Hash {
	t.Helper()
	digest := must[v1.Hash](t)(image.Digest())
	size := must[int64](t)(image.Size())
	mediaType := must[*v1.Manifest](t)(image.Manifest()).MediaType
	sbom := mutate.Subject(imageOf(t, randomLayer(t, 100)), v1.Descriptor{Digest: digest, Size: size, MediaType: mediaType}).(v1.Image)
	return push(t, host, repository+"@"+must[v1.Hash](t)(sbom.Digest()).String(), sbom)
}

// waysToAttach are what something can be found by that belongs to an image.
var waysToAttach = map[string]func(t *testing.T, host, repository string, image v1.Image) v1.Hash{
	"tag": func(t *testing.T, host, repository string, image v1.Image) v1.Hash {
		t.Helper()
		return sign(t, host, repository, must[v1.Hash](t)(image.Digest()))
	},
	"referrer": refer,
}

func TestWhatBelongsToAnImageTravels(t *testing.T) {
	for _, sides := range []struct {
		name     string
		from, to bool
	}{{"API to API", true, true}, {"tag to tag", false, false}, {"API to tag", true, false}, {"tag to API", false, true}} {
		t.Run(sides.name, func(t *testing.T) {
			w := newWorld(t, startRegistry(t, sides.from), startRegistry(t, sides.to))
			image := imageOf(t, randomLayer(t, 1_000))
			digest := push(t, w.from, "one:v0", image)
			signature := sign(t, w.from, "one", digest)
			sbom := refer(t, w.from, "one", image)
			onSBOM := sign(t, w.from, "one", sbom)

			planned, report := w.copy(t, plan.Options{}, "one:v0")
			wantCopied(t, report)
			for _, want := range []v1.Hash{signature, sbom, onSBOM} {
				if digestAt(t, w.to, "mirror/one@"+want.String()) == "" {
					t.Errorf("%s did not travel; attachments are %q", want, planned.Artifacts[0].Attachments)
				}
			}
			if tag := "mirror/one:" + strings.Replace(digest.String(), ":", "-", 1) + ".sig"; digestAt(t, w.to, tag) != signature.String() {
				t.Error("the signature has not kept its tag")
			}
			referrers := must[v1.ImageIndex](t)(ggcrremote.Referrers(refTo(t, w.to, "mirror/one@"+digest.String()).Context().Digest(digest.String())))
			manifest := must[*v1.IndexManifest](t)(referrers.IndexManifest())
			if len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest != sbom {
				t.Errorf("the target lists the referrers %v, want %s", manifest.Manifests, sbom)
			}
			wantStates(t, w.plan(t, plan.Options{}, "one:v0"), "present")
		})
	}
}

func TestSignatureThatCameLaterTravels(t *testing.T) {
	w := newWorld(t, startRegistry(t, false), startRegistry(t, false))
	digest := push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000)))
	w.copy(t, plan.Options{}, "one:v0")
	signature := sign(t, w.from, "one", digest)
	planned, report := w.copy(t, plan.Options{}, "one:v0")
	wantStates(t, planned, "attach")
	wantCopied(t, report)
	if digestAt(t, w.to, "mirror/one@"+signature.String()) == "" {
		t.Error("the signature did not travel")
	}
}

func TestAttachmentsCanStay(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	signature := sign(t, w.from, "one", push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000))))
	_, report := w.copy(t, plan.Options{WithoutAttachments: true}, "one:v0")
	wantCopied(t, report)
	if digestAt(t, w.to, "mirror/one@"+signature.String()) != "" {
		t.Error("the signature travelled")
	}
}

// pushIndex puts an index of an amd64 and an arm64 image.
func pushIndex(t *testing.T, host, rest string) (index v1.Hash, amd64, arm64 v1.Hash) {
	t.Helper()
	images := map[string]v1.Image{"amd64": imageOf(t, randomLayer(t, 1_000)), "arm64": imageOf(t, randomLayer(t, 1_000))}
	whole := v1.ImageIndex(empty.Index)
	for architecture, image := range images {
		whole = mutate.AppendManifests(whole, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	if err := ggcrremote.WriteIndex(refTo(t, host, rest), whole); err != nil {
		t.Fatal(err)
	}
	digest := must[v1.Hash](t)
	return digest(whole.Digest()), digest(images["amd64"].Digest()), digest(images["arm64"].Digest())
}

func TestIndexes(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	index, amd64, arm64 := pushIndex(t, w.from, "one:v0")
	_, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	if got := digestAt(t, w.to, "mirror/one:v0"); got != index.String() {
		t.Errorf("the whole index arrived as %q, want %s", got, index)
	}
	for _, child := range []v1.Hash{amd64, arm64} {
		if digestAt(t, w.to, "mirror/one@"+child.String()) == "" {
			t.Errorf("%s is missing", child)
		}
	}
}

func TestPlatform(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	_, amd64, arm64 := pushIndex(t, w.from, "one:v0")
	push(t, w.from, "one:single", imageOf(t, randomLayer(t, 1_000)))
	opts := plan.Options{Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64"}}}
	_, report := w.copy(t, opts, "one:v0", "one:single")
	wantCopied(t, report)
	if got := digestAt(t, w.to, "mirror/one:v0"); got != arm64.String() {
		t.Errorf("the tag holds %q, want the arm64 image %s", got, arm64)
	}
	if digestAt(t, w.to, "mirror/one@"+amd64.String()) != "" {
		t.Error("the amd64 image came along")
	}
	wantStates(t, w.plan(t, opts, "one:v0", "one:single"), "present present")

	opts.Platforms[0].Architecture = "s390x"
	w = newWorld(t, w.from, startRegistry(t, true))
	planned := w.plan(t, opts, "one:v0")
	wantStates(t, planned, "failed")
	if err := planned.Artifacts[0].Err; !strings.Contains(err.Error(), "no image for linux/s390x; there is linux/") {
		t.Errorf("the error is %v, want one that says what there is", err)
	}
}

// An image that is for one platform only is taken where it is for the right one, whether it is
// at the target already or not.
func TestPlatformOfASingleImage(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	image := must[v1.Image](t)(mutate.ConfigFile(imageOf(t, randomLayer(t, 1_000)), &v1.ConfigFile{OS: "linux", Architecture: "amd64"}))
	push(t, w.from, "one:v0", image)
	amd64 := plan.Options{Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}}}
	arm64 := plan.Options{Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64"}}}
	var wrong *plan.PlatformError
	for _, state := range []string{"new", "present"} {
		planned := w.plan(t, arm64, "one:v0")
		wantStates(t, planned, "failed")
		if err := planned.Artifacts[0].Err; !errors.As(err, &wrong) || wrong.Want != "linux/arm64" || !slices.Equal(wrong.Have, []string{"linux/amd64"}) {
			t.Errorf("the error is %v, want what is there", err)
		}
		planned, report := w.copy(t, amd64, "one:v0")
		wantStates(t, planned, state)
		wantCopied(t, report)
	}
}

// An image travels though its registry does not say what refers to it, as it does where the
// registry does not list tags. The plan says so once for each repository; where the registry
// fails, each result says that nobody knows.
func TestReferrersThatCannotBeListed(t *testing.T) {
	for status, fails := range map[int]bool{http.StatusUnauthorized: false, http.StatusForbidden: false, http.StatusInternalServerError: true, http.StatusServiceUnavailable: true} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			from := serve(t, refuse(status, func(r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/referrers/") {
					asked.Add(1)
					return true
				}
				return false
			}))
			w := newWorld(t, from, startRegistry(t, true))
			source := newClient(t, from, remote.Options{RetryTimeout: 200 * time.Millisecond})
			w.ends.Source = func(string) (registry.Source, error) { return source, nil }
			refs := append(tags("one", 4), tags("two", 4)...)
			for _, ref := range refs {
				push(t, from, ref, imageOf(t, randomLayer(t, 100)))
			}
			signature := sign(t, from, "one", push(t, from, "one:v0", imageOf(t, randomLayer(t, 100))))
			planned, report := w.copy(t, plan.Options{}, refs...)
			wantCopied(t, report)
			for _, result := range report.Results {
				if got := errors.Is(result.Incomplete, registry.ErrUnavailable); got != fails {
					t.Errorf("%s is incomplete: %v, want %v", result.Source, result.Incomplete, fails)
				}
			}
			if !fails && (len(planned.Warnings) != 2 || !strings.Contains(planned.Warnings[0], "referrers") || !strings.Contains(planned.Warnings[0], fmt.Sprint(status))) {
				t.Errorf("the plan warns of %q, want one warning for each repository", planned.Warnings)
			}
			if digestAt(t, w.to, "mirror/one@"+signature.String()) == "" {
				t.Error("the signature under a tag did not travel")
			}
			if got := asked.Load(); got > 4 {
				t.Errorf("referrers were asked for %d times, want an end after the first refusal", got)
			}
		})
	}
}

// A target that cannot list them gets its referrers all the same.
func TestTargetThatCannotListReferrers(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), serve(t, refuse(http.StatusForbidden, func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/referrers/")
	})))
	image := imageOf(t, randomLayer(t, 1_000))
	push(t, w.from, "one:v0", image)
	sbom := refer(t, w.from, "one", image)
	for range 2 {
		_, report := w.copy(t, plan.Options{}, "one:v0")
		wantCopied(t, report)
		if digestAt(t, w.to, "mirror/one@"+sbom.String()) == "" {
			t.Error("the SBOM did not travel")
		}
	}
}

func TestInterruptedWhileReferrersAreListed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := newWorld(t, serve(t, refuse(http.StatusServiceUnavailable, func(r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/referrers/") {
			cancel()
			return true
		}
		return false
	})), startRegistry(t, true))
	push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 100)))
	if planned, err := plan.New(ctx, w.ends, w.artifacts("one:v0"), plan.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("NewPlan() = %v, %v when interrupted, want context.Canceled", planned, err)
	}
}

// There may be any number of attachments, but not of any size all together.
func TestAttachmentsHaveBounds(t *testing.T) {
	tests := []struct {
		name           string
		count, padding int
		want           string
	}{{"bytes", 17, 4 << 20, "more than 64 MiB"}, {"number", 1201, 0, ""}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Without the referrers API, at which the registry of the test would read all that it
			// has for each of them.
			w := newWorld(t, startRegistry(t, false), startRegistry(t, false))
			image := imageOf(t, randomLayer(t, 100))
			digest := push(t, w.from, "one:v0", image)
			config := must[*v1.Manifest](t)(image.Manifest()).Config
			padding := strings.Repeat("x", tt.padding)
			for i := range tt.count {
				signature := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"size":%d,"digest":%q},"layers":[],"annotations":{"padding":%q,"number":"%d"}}`,
					types.OCIManifestSchema1, config.MediaType, config.Size, config.Digest, padding, i)
				putRaw(t, manifestAt(w.from, "one", fmt.Sprintf("%s-%s.sig%d", digest.Algorithm, digest.Hex, i)), types.OCIManifestSchema1, signature)
			}
			planned := w.plan(t, plan.Options{}, "one:v0")
			if err := planned.Artifacts[0].Err; tt.want == "" && (err != nil || len(planned.Artifacts[0].Attachments) != tt.count) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}
