package admission_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/admission"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature/signaturetest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// world is a registry with an image in it that is to be copied.
type world struct {
	t        *testing.T
	registry *registrytest.Registry
	counter  *registrytest.Counter
	client   registry.Target
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, registry: registrytest.InProcess(t, registrytest.Options{}), counter: new(registrytest.Counter)}
	front := registrytest.Front(t, w.registry, w.counter.Wrap)
	client, err := remote.New(front.Host, remote.Options{Push: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w.client = client
	return w
}

func (w *world) image() v1.Image {
	w.t.Helper()
	image, err := random.Image(1000, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

func (w *world) created(at time.Time) v1.Image {
	w.t.Helper()
	image, err := mutate.CreatedAt(w.image(), v1.Time{Time: at})
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

// plan plans to copy vendor/image:v1 within the registry.
func (w *world) plan(opts plan.Options, rules admission.Rules) *plan.Artifact {
	w.t.Helper()
	rules.Now = func() time.Time { return now }
	opts.Admit = admission.New(rules).Admit
	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return w.client, nil }, Target: w.client}
	planned, err := plan.New(w.t.Context(), ends, []versions.Artifact{{
		Source: ref.Reference{Host: "vendor.example.com", Repository: "vendor/image", Tag: "v1"},
		Target: ref.Reference{Host: "private.example.com", Repository: "private/image", Tag: "v1"},
	}}, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return planned.Artifacts[0]
}

// attach puts signatures under cosign's tag.
func (w *world) attach(digest v1.Hash, layers ...mutate.Addendum) {
	w.t.Helper()
	signed, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.registry.Push(w.t, "vendor/image:sha256-"+digest.Hex+".sig", signed)
}

func layer(mediaType string, content []byte, annotations map[string]string) mutate.Addendum {
	return mutate.Addendum{Layer: signaturetest.Layer(mediaType, content), Annotations: annotations}
}

func simple(key *signaturetest.Key, digest v1.Hash) mutate.Addendum {
	payload := signaturetest.Payload(digest, "vendor.example.com/vendor/image")
	return layer(signature.SimpleType, payload, key.Simple(payload))
}

func trusting(t *testing.T, keys ...*signaturetest.Key) admission.Rules {
	t.Helper()
	var opts signature.Options
	for _, key := range keys {
		opts.Keys = append(opts.Keys, signature.Key{Name: "cosign.pub", PEM: key.PEM})
	}
	trust, err := signature.NewTrust(opts)
	if err != nil {
		t.Fatal(err)
	}
	return admission.Rules{Trust: trust}
}

func wantRefused(t *testing.T, a *plan.Artifact, words string) {
	t.Helper()
	if a.State != plan.StateFailed || !errors.Is(a.Err, registry.ErrRefused) || !strings.Contains(a.Err.Error(), words) {
		t.Errorf("state %s, error %v; want a refusal with %q", a.State, a.Err, words)
	}
	if a.Checked != nil {
		t.Errorf("something was checked: %+v", a.Checked)
	}
}

func TestClassicSignatures(t *testing.T) {
	right, wrong := signaturetest.NewKey(t), signaturetest.NewKey(t)
	w := newWorld(t)
	digest := w.registry.Push(t, "vendor/image:v1", w.image())
	rules := trusting(t, right)

	wantRefused(t, w.plan(plan.Options{}, rules), "there is no signature of it")

	w.attach(digest, simple(wrong, digest))
	wantRefused(t, w.plan(plan.Options{}, rules), "the signature of it will not do: not by anyone who is trusted")

	// A wrong one beside the right one takes nothing from it.
	w.attach(digest, simple(wrong, digest), layer(signature.SimpleType, []byte("{"), nil), simple(right, digest))
	a := w.plan(plan.Options{}, rules)
	if a.State != plan.StateNew || a.Err != nil {
		t.Fatalf("state %s, error %v; want it to be copied", a.State, a.Err)
	}
	if a.Checked == nil || a.Checked.Key != right.Fingerprint || a.Checked.Digest != digest.String() || !a.Checked.At.Equal(now) {
		t.Errorf("checked %+v, want the key %s", a.Checked, right.Fingerprint)
	}

	// It is for the vendor's name, and for no other.
	rules.Named = true
	if a := w.plan(plan.Options{}, rules); a.State != plan.StateNew {
		t.Errorf("state %s, error %v; want it to be copied under its name", a.State, a.Err)
	}
}

func TestUnsignedIsLetThroughWhereItIsSaid(t *testing.T) {
	w := newWorld(t)
	w.registry.Push(t, "vendor/image:v1", w.image())
	for pattern, want := range map[string]plan.State{
		"image": plan.StateNew, "vendor/*": plan.StateNew, "vendor.example.com/*/image": plan.StateNew,
		"charts/*": plan.StateFailed, "vendor": plan.StateFailed,
	} {
		rules := trusting(t, signaturetest.NewKey(t))
		rules.Unsigned = []string{pattern}
		if a := w.plan(plan.Options{}, rules); a.State != want || a.Checked != nil {
			t.Errorf("%s: state %s, checked %v; want %s and nothing checked", pattern, a.State, a.Checked, want)
		}
	}
}

func TestBundlesAsReferrers(t *testing.T) {
	right, wrong := signaturetest.NewKey(t), signaturetest.NewKey(t)
	w := newWorld(t)
	digest := w.registry.Push(t, "vendor/image:v1", w.image())
	refer := func(text []byte) {
		signaturetest.Refer(t, w.registry, "vendor/image", "v1", text)
	}
	refer(wrong.Bundle(signaturetest.Statement(digest, signature.SignedPredicate)))
	refer(right.Bundle(signaturetest.Statement(digest, "https://spdx.dev/Document")))
	wantRefused(t, w.plan(plan.Options{}, trusting(t, right)), "none of the 2 signatures of it will do")
	refer(right.Bundle(signaturetest.Statement(digest, signature.SignedPredicate)))
	if a := w.plan(plan.Options{}, trusting(t, right)); a.State != plan.StateNew || a.Checked.Key != right.Fingerprint {
		t.Errorf("state %s, error %v; want it to be copied", a.State, a.Err)
	}
}

// One platform's image takes the place of an index: what is signed is the index, which names it.
func TestTheIndexIsSigned(t *testing.T) {
	key := signaturetest.NewKey(t)
	w := newWorld(t)
	platform := v1.Platform{OS: "linux", Architecture: "amd64"}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: w.image(), Descriptor: v1.Descriptor{Platform: &platform}})
	digest := w.registry.Push(t, "vendor/image:v1", index)
	w.attach(digest, simple(key, digest))
	a := w.plan(plan.Options{Platforms: []v1.Platform{platform}}, trusting(t, key))
	if a.State != plan.StateNew || a.Digest == digest.String() || a.Checked.Digest != digest.String() {
		t.Errorf("state %s, error %v, digest %s; want the image of the signed index", a.State, a.Err, a.Digest)
	}
}

// What is at the target already is held against the rules, too: nobody may have asked before.
func TestWhatIsPresentHasToBeSigned(t *testing.T) {
	w := newWorld(t)
	image := w.image()
	w.registry.Push(t, "vendor/image:v1", image)
	w.registry.Push(t, "private/image:v1", image)
	wantRefused(t, w.plan(plan.Options{}, trusting(t, signaturetest.NewKey(t))), "there is no signature of it")
}

// What a lock says of an artifact that has not changed is not asked for again, if it is enough.
func TestWhatIsKnownIsNotAsked(t *testing.T) {
	key := signaturetest.NewKey(t)
	w := newWorld(t)
	image := w.image()
	digest := w.registry.Push(t, "vendor/image:v1", image)
	w.registry.Push(t, "private/image:v1", image)
	before := now.Add(-time.Hour)
	for _, tt := range []struct {
		name  string
		known *plan.Checked
		want  plan.State
	}{
		{"by the key", &plan.Checked{At: before, Digest: digest.String(), Key: key.Fingerprint}, plan.StatePresent},
		{"by another key", &plan.Checked{At: before, Digest: digest.String(), Key: "sha256:00"}, plan.StateFailed},
		{"of something else", &plan.Checked{At: before, Digest: "sha256:00", Key: key.Fingerprint}, plan.StateFailed},
		{"an age alone", &plan.Checked{At: before, Created: before}, plan.StateFailed},
		{"nothing", nil, plan.StateFailed},
	} {
		rules := trusting(t, key)
		rules.Known = func(*plan.Artifact) *plan.Checked { return tt.known }
		a := w.plan(plan.Options{}, rules)
		if a.State != tt.want || tt.want == plan.StatePresent && !a.Checked.At.Equal(before) {
			t.Errorf("%s: state %s, error %v, checked %+v; want %s", tt.name, a.State, a.Err, a.Checked, tt.want)
		}
	}
}

// Whoever may add signatures must not keep a run busy.
func TestSignaturesAreBounded(t *testing.T) {
	key := signaturetest.NewKey(t)
	w := newWorld(t)
	digest := w.registry.Push(t, "vendor/image:v1", w.image())
	var layers []mutate.Addendum
	for i := range 60 {
		layers = append(layers, layer(signature.SimpleType, fmt.Appendf(nil, "{%d", i), nil))
	}
	layers = append(layers, simple(key, digest))
	w.attach(digest, layers...)
	wantRefused(t, w.plan(plan.Options{}, trusting(t, key)), "none of the first 50 signatures of it will do, and no more are looked at")

	w.attach(digest, layer(signature.SimpleType, make([]byte, 1<<20), nil))
	wantRefused(t, w.plan(plan.Options{}, trusting(t, key)), "it has 1048576 bytes")
}

// A registry that fails to answer is no proof that there is no signature.
func TestWhatIsNotKnownIsNoRefusal(t *testing.T) {
	w := newWorld(t)
	w.registry.Push(t, "vendor/image:v1", w.image())
	broken := brokenSource{w.client}
	rules := trusting(t, signaturetest.NewKey(t))
	a := &plan.Artifact{State: plan.StateNew, SourceDigest: w.registry.Digest(t, "vendor/image:v1").String(), Origin: plan.Origin{Source: broken, Repository: "vendor/image"}}
	err := admission.New(rules).Admit(t.Context(), a)
	if err == nil || errors.Is(err, registry.ErrRefused) || !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("Admit = %v, want the registry's trouble", err)
	}
}

type brokenSource struct{ registry.Source }

func (brokenSource) Referrers(context.Context, string, v1.Hash) ([]v1.Descriptor, error) {
	return nil, registry.ErrUnavailable
}

func TestAge(t *testing.T) {
	annotated := func(w *world, at string) v1.Image {
		return mutate.Annotations(mutate.MediaType(w.created(time.Unix(0, 0)), types.OCIManifestSchema1), map[string]string{"org.opencontainers.image.created": at}).(v1.Image)
	}
	old, young := now.Add(-49*time.Hour), now.Add(-47*time.Hour-12*time.Minute)
	tests := []struct {
		name  string
		image func(*world) v1.Image
		rules admission.Rules
		want  string
	}{
		{"old enough", func(w *world) v1.Image { return w.created(old) }, admission.Rules{}, ""},
		{"too young", func(w *world) v1.Image { return w.created(young) }, admission.Rules{}, "it is 47h12m old by its vendor's word (2026-03-08T12:48:00Z), and has to be 48h"},
		{"from the future", func(w *world) v1.Image { return w.created(now.Add(time.Hour)) }, admission.Rules{}, "which is yet to come"},
		{"1970", func(w *world) v1.Image { return w.created(time.Unix(0, 0)) }, admission.Rules{}, "how old it is cannot be told: it says that it was made at 1970-01-01T00:00:00Z"},
		{"1970, allowed", func(w *world) v1.Image { return w.created(time.Unix(0, 0)) }, admission.Rules{AnyAge: true}, ""},
		{"too young, whatever else is allowed", func(w *world) v1.Image { return w.created(young) }, admission.Rules{AnyAge: true}, "it is 47h12m old"},
		{"by its annotation", func(w *world) v1.Image { return annotated(w, old.Format(time.RFC3339)) }, admission.Rules{}, ""},
		{"too young by its annotation", func(w *world) v1.Image { return annotated(w, young.Format(time.RFC3339)) }, admission.Rules{}, "it is 47h12m old"},
		{"an annotation that says nothing", func(w *world) v1.Image { return annotated(w, "yesterday") }, admission.Rules{}, "how old it is cannot be told"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.registry.Push(t, "vendor/image:v1", tt.image(w))
			tt.rules.MinAge = 48 * time.Hour
			a := w.plan(plan.Options{}, tt.rules)
			if tt.want != "" {
				wantRefused(t, a, tt.want)
				return
			}
			if a.State != plan.StateNew {
				t.Errorf("state %s, error %v; want it to be copied", a.State, a.Err)
			}
		})
	}
}

// Of several images the youngest counts, and attestations of how they were built have no age.
func TestAgeOfAnIndex(t *testing.T) {
	amd64, unknown := &v1.Platform{OS: "linux", Architecture: "amd64"}, &v1.Platform{OS: "unknown", Architecture: "unknown"}
	old, young := now.Add(-100*time.Hour), now.Add(-time.Hour)
	for _, tt := range []struct {
		name  string
		times []time.Time
		last  *v1.Platform
		says  string
		want  string
	}{
		{"old", []time.Time{old, old}, amd64, "", ""},
		{"one is young", []time.Time{old, young}, amd64, "", "it is 1h old"},
		{"one says nothing", []time.Time{old, {}}, amd64, "", "how old it is cannot be told"},
		{"one says nothing, and the index does", []time.Time{old, {}}, amd64, old.Format(time.RFC3339), ""},
		{"an attestation says nothing", []time.Time{old, {}}, unknown, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var index v1.ImageIndex = empty.Index
			for i, at := range tt.times {
				platform := amd64
				if i == len(tt.times)-1 {
					platform = tt.last
				}
				index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: w.created(at), Descriptor: v1.Descriptor{Platform: platform}})
			}
			if tt.says != "" {
				index = mutate.Annotations(index, map[string]string{"org.opencontainers.image.created": tt.says}).(v1.ImageIndex)
			}
			w.registry.Push(t, "vendor/image:v1", index)
			a := w.plan(plan.Options{}, admission.Rules{MinAge: 48 * time.Hour})
			if tt.want != "" {
				wantRefused(t, a, tt.want)
			} else if a.State != plan.StateNew || !a.Checked.Created.Equal(old) {
				t.Errorf("state %s, error %v, checked %+v; want it to be copied", a.State, a.Err, a.Checked)
			}
		})
	}
}

// Nothing is asked for the age of what is at the target already, and no layer is read for anything.
func TestNoLayerIsRead(t *testing.T) {
	key := signaturetest.NewKey(t)
	w := newWorld(t)
	image := w.created(now)
	digest := w.registry.Push(t, "vendor/image:v1", image)
	w.attach(digest, simple(key, digest))
	w.registry.Push(t, "private/image:v1", image)
	rules := trusting(t, key)
	rules.MinAge = 48 * time.Hour
	a := w.plan(plan.Options{WithoutAttachments: true}, rules)
	if a.State != plan.StatePresent || a.Checked.Key != key.Fingerprint {
		t.Errorf("state %s, error %v; want it to be present", a.State, a.Err)
	}
	if n := w.counter.Counts().Requests[registrytest.GetBlob]; n != 1 {
		t.Errorf("%d blobs were asked for, want the signature's payload alone", n)
	}
}
