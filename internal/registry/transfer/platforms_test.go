package transfer_test

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// wanted are two platforms, of which images have the first alone.
var wanted = []v1.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "s390x"}}

// A sparse index is the vendor's to the byte, with those of its images that are wanted. What is
// not wanted comes along once it is.
func TestSparseIndex(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), registrytest.Distribution(t, registrytest.Options{SparseIndexes: true}).Host)
	index, amd64, arm64 := pushIndex(t, w.from, "one:v0")
	opts := plan.Options{Platforms: wanted}
	planned, report := w.copy(t, opts, "one:v0")
	wantCopied(t, report)
	if !planned.Artifacts[0].Sparse || digestAt(t, w.to, "mirror/one:v0") != index.String() {
		t.Errorf("the tag holds %s (sparse: %v), want the vendor's index %s, and sparse", digestAt(t, w.to, "mirror/one:v0"), planned.Artifacts[0].Sparse, index)
	}
	if digestAt(t, w.to, "mirror/one@"+arm64.String()) == "" || digestAt(t, w.to, "mirror/one@"+amd64.String()) != "" {
		t.Error("want the arm64 image at the target, and that alone")
	}
	opts.Check = true
	wantStates(t, w.plan(t, opts, "one:v0"), "present")
	opts.Check = false
	wantStates(t, w.plan(t, opts, "one:v0"), "present")

	opts.Platforms = append(wanted[:1:1], v1.Platform{OS: "linux", Architecture: "amd64"})
	planned, report = w.copy(t, opts, "one:v0")
	wantStates(t, planned, "damaged")
	wantCopied(t, report)
	if digestAt(t, w.to, "mirror/one@"+amd64.String()) == "" {
		t.Error("the amd64 image did not come along once it was wanted")
	}
	wantStates(t, w.plan(t, plan.Options{Check: true}, "one:v0"), "present")
}

// A stripped index is a new one with the wanted images, and nothing else changed; the same every
// time.
func TestStrippedIndex(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	index, amd64, arm64 := pushIndex(t, w.from, "one:v0")
	opts := plan.Options{Platforms: wanted, Index: plan.IndexStrip}
	_, report := w.copy(t, opts, "one:v0")
	wantCopied(t, report)
	if got := digestAt(t, w.to, "mirror/one:v0"); got == index.String() || got == arm64.String() || got == "" {
		t.Errorf("the tag holds %s, want a new index", got)
	}
	found, err := ggcr.Index(refTo(t, w.to, "mirror/one:v0"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := found.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest != arm64 {
		t.Errorf("IndexManifest() = %+v, %v, want the arm64 image alone", manifest, err)
	}
	if digestAt(t, w.to, "mirror/one@"+amd64.String()) != "" {
		t.Error("the amd64 image came along")
	}
	wantStates(t, w.plan(t, opts, "one:v0"), "present")
}

// An index is copied whole where that is asked for, if it has a wanted image.
func TestWholeIndex(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	_, amd64, _ := pushIndex(t, w.from, "one:v0")
	opts := plan.Options{Platforms: wanted, Index: plan.IndexWhole}
	_, report := w.copy(t, opts, "one:v0")
	wantCopied(t, report)
	if digestAt(t, w.to, "mirror/one@"+amd64.String()) == "" {
		t.Error("the amd64 image stayed behind")
	}
	for _, index := range []plan.Index{plan.IndexAuto, plan.IndexSparse, plan.IndexWhole, plan.IndexStrip} {
		planned := newWorld(t, w.from, startRegistry(t, true)).plan(t, plan.Options{Platforms: wanted[1:], Index: index}, "one:v0")
		var none *plan.PlatformError
		if err := planned.Artifacts[0].Err; !errors.As(err, &none) || none.Want != "linux/s390x" || len(none.Have) != 2 {
			t.Errorf("%s: the error is %v, want that there is none, and what there is", index, err)
		}
	}
}

// An index may say that an image is for another platform than the image says itself. It is copied,
// for nodes go by the index, and never without a word.
func TestIndexThatLiesAboutAPlatform(t *testing.T) {
	for _, index := range []plan.Index{plan.IndexAuto, plan.IndexSparse, plan.IndexWhole, plan.IndexStrip} {
		for _, says := range []string{"s390x", "arm64"} {
			from := startRegistry(t, true)
			image := must[v1.Image](t)(mutate.ConfigFile(imageOf(t, randomLayer(t, 100)), &v1.ConfigFile{OS: "linux", Architecture: says}))
			ofArm := mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}}}
			if err := ggcr.WriteIndex(refTo(t, from, "one:v0"), mutate.AppendManifests(empty.Index, ofArm)); err != nil {
				t.Fatal(err)
			}
			planned := newWorld(t, from, startRegistry(t, true)).plan(t, plan.Options{Platforms: wanted[:1], Index: index}, "one:v0")
			if err := planned.Artifacts[0].Err; err != nil {
				t.Errorf("%s: %v", index, err)
			}
			told := strings.Join(planned.Warnings, "\n")
			if lies := says != "arm64"; lies != strings.Contains(told, "is for linux/arm64/v8, and the image itself says linux/"+says) {
				t.Errorf("%s: the warnings are %q with an image that says %s", index, told, says)
			}
		}
	}
}
