package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// soon is how long a small file may keep a reader busy; it needs less than a second.
const soon = time.Minute

// useSoon opens and verifies a bundle, and does not wait for ever.
func useSoon(t *testing.T, body []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- useFile(t, path) }()
	select {
	case err := <-done:
		return err
	case <-time.After(soon):
		t.Fatalf("a bundle of %d bytes is still not open after %v", len(body), soon)
		return nil
	}
}

// manifestOf is a descriptor of a manifest's bytes.
func manifestOf(t types.MediaType, body []byte) v1.Descriptor {
	return v1.Descriptor{MediaType: t, Digest: v1.Hash{Algorithm: "sha256", Hex: bundletest.Sum(body)}, Size: int64(len(body))}
}

// ladder is an image with so many indexes around it, each of which names the one below
// wide times. The outermost is the last.
func ladder(rungs, wide int) (bodies [][]byte, top v1.Descriptor) {
	config := []byte("{}")
	body := imagelayout.Encode(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: manifestOf(types.OCIConfigJSON, config), Layers: []v1.Descriptor{},
	})
	bodies, top = [][]byte{config, body}, manifestOf(types.OCIManifestSchema1, body)
	for range rungs {
		index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
		for range wide {
			index.Manifests = append(index.Manifests, top)
		}
		body = imagelayout.Encode(index)
		bodies, top = append(bodies, body), manifestOf(types.OCIImageIndex, body)
	}
	return bodies, top
}

// layoutWith is a layout of another tool with an index of the test's own.
func layoutWith(t testing.TB, index []v1.Descriptor, blobs ...[]byte) []byte {
	t.Helper()
	items := []bundletest.Item{
		bundletest.Regular(imagelayout.VersionFile, []byte(imagelayout.Version)),
		bundletest.Regular(imagelayout.IndexFile, imagelayout.Encode(v1.IndexManifest{SchemaVersion: 2, Manifests: index})),
	}
	for _, b := range blobs {
		items = append(items, bundletest.Regular("blobs/sha256/"+bundletest.Sum(b), b))
	}
	return bundletest.Pack(t, items)
}

func named(d v1.Descriptor, reference string) v1.Descriptor {
	d.Annotations = map[string]string{imagelayout.RefName: reference}
	return d
}

// orphan is a referrer of something that is not there; size pads it.
func orphan(size int) []byte {
	absent := manifestOf(types.OCIManifestSchema1, []byte("absent"))
	return imagelayout.Encode(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Layers: []v1.Descriptor{},
		Config: manifestOf(types.OCIConfigJSON, []byte("{}")), Subject: &absent,
		Annotations: map[string]string{"padding": strings.Repeat("x", size)},
	})
}

// TestLargeNumbersOfSmallFilesDoNotTakeLong: what a few kilobytes name many times over is read once, or
// refused.
func TestLargeNumbersOfSmallFilesDoNotTakeLong(t *testing.T) {
	shared, top := ladder(oci.DefaultDepth, 600)
	referrer, large := orphan(0), orphan(lock.MaxManifest-2000)
	everywhere := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: manifestOf(types.OCIConfigJSON, []byte("{}"))}
	for i := range 3000 {
		layer := manifestOf("application/vnd.oci.image.layer.nondistributable.v1.tar", fmt.Append(nil, i))
		everywhere.Layers = append(everywhere.Layers, layer)
	}
	wide := imagelayout.Encode(everywhere)
	var repositories, again []v1.Descriptor
	for i := range 1000 {
		repositories = append(repositories, named(manifestOf(types.OCIManifestSchema1, wide), fmt.Sprintf("quay.example.com/a%d:v1", i)))
	}
	again = append(again, named(top, "quay.example.com/team/tool:v1"))
	padded := manifestOf(types.OCIManifestSchema1, large)
	for range 9_999 {
		again = append(again, padded)
	}
	tests := []struct {
		name  string
		index []v1.Descriptor
		blobs [][]byte
		want  string // of the error; empty for none
	}{
		{
			"indexes that share a child, and a referrer of nothing",
			[]v1.Descriptor{named(top, "quay.example.com/team/tool:v1"), manifestOf(types.OCIManifestSchema1, referrer)},
			append([][]byte{referrer}, shared...), "",
		},
		{"one large manifest without a name, many times", again, append([][]byte{large}, shared...), ""},
		{"many layers in many repositories", repositories, [][]byte{[]byte("{}"), wide}, "for all repositories"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := useSoon(t, layoutWith(t, tt.index, tt.blobs...))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Open+Verify = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// TestAReferrerFindsItsHome: through an index, and through another referrer.
func TestAReferrerFindsItsHome(t *testing.T) {
	bodies, top := ladder(2, 3)
	refer := func(subject v1.Descriptor) []byte {
		return imagelayout.Encode(v1.Manifest{
			SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Layers: []v1.Descriptor{},
			Config: manifestOf(types.OCIConfigJSON, []byte("{}")), Subject: &subject,
		})
	}
	first := refer(manifestOf(types.OCIManifestSchema1, bodies[1]))
	second := refer(manifestOf(types.OCIManifestSchema1, first))
	index := []v1.Descriptor{
		manifestOf(types.OCIManifestSchema1, second), manifestOf(types.OCIManifestSchema1, first),
		named(top, "quay.example.com/team/tool:v1"),
	}
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, layoutWith(t, index, append(bodies, first, second)...), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range open(t, path, OpenOptions{}).Lock().Attachments {
		got = append(got, a.Source.String())
	}
	for _, body := range [][]byte{first, second} {
		want := "quay.example.com/team/tool@sha256:" + bundletest.Sum(body)
		if !strings.Contains(strings.Join(got, " "), want) {
			t.Errorf("attachments are %v, want %s among them", got, want)
		}
	}
	if len(got) != 2 {
		t.Errorf("attachments are %v, want 2", got)
	}
}

// TestReaderAndEngineNestAsDeep: what can be opened can be loaded, and what cannot be loaded
// is refused when it is opened.
func TestReaderAndEngineNestAsDeep(t *testing.T) {
	const repository, deeper = "team/tool", "deeper"
	deepest, tooDeep := ladder(oci.DefaultDepth+1, 1)
	top := manifestOf(types.OCIImageIndex, deepest[len(deepest)-2])
	err := useSoon(t, layoutWith(t, []v1.Descriptor{named(tooDeep, "quay.example.com/team/tool:v1")}, deepest...))
	if !errors.Is(err, oci.ErrLimit) {
		t.Errorf("Open of %d indexes = %v, want it to be refused", oci.DefaultDepth+1, err)
	}
	// Its height is known already when the index around it is read.
	twice := []v1.Descriptor{named(top, "quay.example.com/team/tool:v1"), named(tooDeep, "quay.example.com/team/tool:v2")}
	if err := useSoon(t, layoutWith(t, twice, deepest...)); !errors.Is(err, oci.ErrLimit) {
		t.Errorf("Open of %d indexes, the inner ones first = %v, want it to be refused", oci.DefaultDepth+1, err)
	}
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, layoutWith(t, twice[:1], deepest...), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path, OpenOptions{})
	// Beside what the reader lets in, the engine is shown what it does not.
	b.manifests[tooDeep.Digest] = entry{descriptor: tooDeep}
	b.tags[repository][deeper] = tooDeep
	for tag, fails := range map[string]bool{"v1": false, deeper: true} {
		ref := ref.Reference{Host: "quay.example.com", Repository: repository, Tag: tag}
		planned, err := plan.New(t.Context(), registry.Endpoints{
			Source: func(string) (registry.Source, error) { return b, nil }, Target: empty{},
		}, []versions.Artifact{{Source: ref, Target: ref}}, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := planned.Artifacts[0].State == plan.StateFailed; got != fails {
			t.Errorf("the engine refuses %s: %v (%v), want %v", tag, got, planned.Artifacts[0].Err, fails)
		}
	}
}

// empty is a target that holds nothing.
type empty struct{ registry.Target }

func (empty) Resolve(context.Context, string, string) (v1.Descriptor, error) {
	return v1.Descriptor{}, registry.ErrNotFound
}

func (empty) Prepare([]string) {}

func (empty) Tags(context.Context, string) ([]string, error) { return nil, nil }

func (empty) HasBlob(context.Context, string, v1.Descriptor) (bool, error) { return false, nil }
