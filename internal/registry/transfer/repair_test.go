package transfer_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A blob that the target has confirmed, and does not have when the manifest comes, is sent
// again in the same run; also where the target says that it holds it all the while.
func TestABlobLostBeforeItsManifest(t *testing.T) {
	for name, lies := range map[string]bool{"the target says so": false, "the target says that it is there": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, startRegistry(t, true), serve(t, faults.NewLosing(2, lies).Wrap))
			digest := push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000), randomLayer(t, 2_000)))
			_, report := w.copy(t, plan.Options{}, "one:v0")
			wantCopied(t, report)
			if got := digestAt(t, w.to, "mirror/one:v0"); got != digest.String() {
				t.Errorf("the tag holds %q, want %s", got, digest)
			}
			wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0"), "present")
		})
	}
}

// A target that takes no manifest, for it never knows the blobs, is waited for within its time, though they are
// sent again in between: that they arrive is no progress of the manifest.
func TestAManifestThatIsNeverTakenIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	never := faults.Answer{
		On: faults.On(registrytest.PutManifest), Times: faults.Always, Status: http.StatusInternalServerError, Code: "BLOB_UNKNOWN",
	}
	w := newWorld(t, startRegistry(t, true), serve(t, never.Fault()))
	w.ends.Target = newClient(t, w.to, remote.Options{
		Traffic: &w.in, Side: registry.SideTarget, Push: true, RetryTimeout: time.Second,
	})
	push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000)))
	_, report := w.copy(t, plan.Options{}, "one:v0")
	if err := report.Results[0].Err; !errors.Is(err, registry.ErrBlobUnknown) {
		t.Errorf("the copy ended with %v, want what the registry says", err)
	}
	if got := w.in.Retries.Load(); report.BlobsUploaded <= 2 || got != 2 {
		t.Errorf("%d blobs were sent and %d requests tried again, want the blobs twice, and two waits of half a second", report.BlobsUploaded, got)
	}
}

// A tag whose blobs are gone is present to who looks at the tag only. A check finds what is
// missing, and the copy puts that back and nothing else.
func TestACheckFindsAndACopyRepairs(t *testing.T) {
	losing := faults.NewLosing(0, false)
	w := newWorld(t, startRegistry(t, true), serve(t, losing.Wrap))
	lost := randomLayer(t, 3_000)
	push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000), lost))
	push(t, w.from, "one:v1", imageOf(t, randomLayer(t, 1_000)))
	_, report := w.copy(t, plan.Options{}, "one:v0", "one:v1")
	wantCopied(t, report)

	gone := must[v1.Hash](t)(lost.Digest()).String()
	losing.Lose("mirror/one", gone)
	wantStates(t, w.plan(t, plan.Options{}, "one:v0", "one:v1"), "present present")
	planned, report := w.copy(t, plan.Options{Check: true}, "one:v0", "one:v1")
	wantStates(t, planned, "damaged present")
	if got := planned.Artifacts[0].Missing; !slices.Equal(got, []string{gone}) {
		t.Errorf("missing are %q, want %q", got, gone)
	}
	wantCopied(t, report)
	if report.BlobsUploaded != 1 || report.BytesSent != must[int64](t)(lost.Size()) || report.Copied != 1 || report.Present != 1 {
		t.Errorf("%d blobs and %d bytes were sent for %d artifacts, want the one blob that was lost", report.BlobsUploaded, report.BytesSent, report.Copied)
	}
	wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0", "one:v1"), "present present")
}

// A child of an index that is gone is found and put back as a blob is.
func TestACheckGoesIntoIndexes(t *testing.T) {
	var w *world
	losing := faults.NewLosing(0, false)
	w = newWorld(t, startRegistry(t, true), serve(t, losing.Wrap))
	pushIndex(t, w.from, "one:v0")
	planned, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	blob := planned.Blobs[0].Digest
	losing.Lose("mirror/one", blob)
	wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0"), "damaged")
	_, report = w.copy(t, plan.Options{Check: true}, "one:v0")
	wantCopied(t, report)
	wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0"), "present")
}

// What is attached to an image is the mirror's too: a signature whose blob is gone, under a tag or
// as a referrer, is found and put back.
func TestACheckGoesIntoAttachments(t *testing.T) {
	for name, attach := range waysToAttach {
		t.Run(name, func(t *testing.T) {
			losing := faults.NewLosing(0, false)
			w := newWorld(t, startRegistry(t, true), serve(t, losing.Wrap))
			image := imageOf(t, randomLayer(t, 1_000))
			push(t, w.from, "one:v0", image)
			attached := attach(t, w.from, "one", image)
			_, report := w.copy(t, plan.Options{}, "one:v0")
			wantCopied(t, report)
			manifest := must[*v1.Manifest](t)(must[v1.Image](t)(ggcrremote.Image(refTo(t, w.to, "mirror/one@"+attached.String()))).Manifest())
			gone := manifest.Layers[0].Digest.String()

			losing.Lose("mirror/one", gone)
			wantStates(t, w.plan(t, plan.Options{}, "one:v0"), "present")
			planned, report := w.copy(t, plan.Options{Check: true}, "one:v0")
			wantStates(t, planned, "attach")
			if got := planned.Artifacts[0].Missing; !slices.Equal(got, []string{gone}) {
				t.Errorf("missing are %q, want %q", got, gone)
			}
			wantCopied(t, report)
			if report.BlobsUploaded != 1 {
				t.Errorf("%d blobs were sent, want the one that was lost", report.BlobsUploaded)
			}
			wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0"), "present")
		})
	}
}

// What a lock settles is not asked of the source, and is checked all the same: what belongs to it is
// what the target lists and what the lock names, also where nobody lists it any more.
func TestACheckGoesIntoAttachmentsOfWhatIsPinned(t *testing.T) {
	for name, attach := range waysToAttach {
		t.Run(name, func(t *testing.T) {
			losing := faults.NewLosing(0, false)
			w := newWorld(t, startRegistry(t, true), serve(t, losing.Wrap))
			image := imageOf(t, randomLayer(t, 1_000))
			digest := push(t, w.from, "one:v0", image)
			attached := attach(t, w.from, "one", image)
			planned, report := w.copy(t, plan.Options{}, "one:v0")
			wantCopied(t, report)
			pinned := plan.Options{Check: true, Pins: map[ref.Reference]plan.Pin{
				planned.Artifacts[0].Target: {Digest: digest.String(), MediaType: planned.Artifacts[0].MediaType},
			}}
			wantStates(t, w.plan(t, pinned, "one:v0"), "present")
			at := refTo(t, w.to, "mirror/one@"+attached.String())
			manifest := must[*v1.Manifest](t)(must[v1.Image](t)(ggcrremote.Image(at)).Manifest())
			losing.Lose("mirror/one", manifest.Layers[0].Digest.String())
			reviewed := pinned.Pins[planned.Artifacts[0].Target]
			reviewed.Reviewed, reviewed.Held = true, digest.String()
			wantStates(t, w.plan(t, plan.Options{Check: true, Pins: map[ref.Reference]plan.Pin{planned.Artifacts[0].Target: reviewed}}, "one:v0"), "attach")
			planned, report = w.copy(t, pinned, "one:v0")
			wantStates(t, planned, "attach")
			wantCopied(t, report)
			wantStates(t, w.plan(t, pinned, "one:v0"), "present")

			if err := ggcrremote.Delete(at); err != nil {
				t.Fatal(err)
			}
			named := attached.String()
			if name == "tag" {
				named = "sha256-" + digest.Hex + ".sig"
				if err := ggcrremote.Delete(refTo(t, w.to, "mirror/one:"+named)); err != nil {
					t.Fatal(err)
				}
				wantStates(t, w.plan(t, pinned, "one:v0"), "present") // nobody names it any more
			}
			pin := pinned.Pins[planned.Artifacts[0].Target]
			pin.Named = []string{named}
			pinned.Pins[planned.Artifacts[0].Target] = pin
			planned, report = w.copy(t, pinned, "one:v0")
			wantStates(t, planned, "attach")
			wantCopied(t, report)
			wantStates(t, w.plan(t, pinned, "one:v0"), "present")
		})
	}
}

// A signature of one image of an index is the index's too, and one that cannot be had any more makes
// the copy incomplete.
func TestACheckGoesIntoAttachmentsOfImagesOfAnIndex(t *testing.T) {
	losing := faults.NewLosing(0, false)
	w := newWorld(t, startRegistry(t, true), serve(t, losing.Wrap))
	image := imageOf(t, randomLayer(t, 1_000))
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image})
	if err := ggcrremote.WriteIndex(refTo(t, w.from, "one:v0"), index); err != nil {
		t.Fatal(err)
	}
	of := must[v1.Hash](t)(image.Digest())
	attached := sign(t, w.from, "one", of)
	_, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	manifest := must[*v1.Manifest](t)(must[v1.Image](t)(ggcrremote.Image(refTo(t, w.to, "mirror/one@"+attached.String()))).Manifest())
	losing.Lose("mirror/one", manifest.Layers[0].Digest.String())
	wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0"), "attach")
	for _, gone := range []string{"one@" + attached.String(), "one:sha256-" + of.Hex + ".sig"} {
		if err := ggcrremote.Delete(refTo(t, w.from, gone)); err != nil {
			t.Fatal(err)
		}
	}
	planned := w.plan(t, plan.Options{Check: true}, "one:v0")
	if a := planned.Artifacts[0]; a.Incomplete == nil {
		t.Errorf("a signature that nobody has any more leaves %s with %v, want it incomplete", a.State, a.Incomplete)
	}
}
