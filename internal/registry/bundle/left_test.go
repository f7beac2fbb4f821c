package bundle

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// sparse is the world with an index that leaves its second image behind, whose digest is returned
// with that of the first.
func sparse(t *testing.T) (w *bundletest.World, index *lock.Artifact, stays, goes v1.Hash) {
	t.Helper()
	w = bundletest.New(t)
	index = &w.Content.Artifacts[slices.IndexFunc(w.Content.Artifacts, func(a lock.Artifact) bool { return a.MediaType.IsIndex() })]
	links, err := oci.Parse(oci.Manifest{Descriptor: index.Descriptor(), Body: w.Body(index.Digest)})
	if err != nil {
		t.Fatal(err)
	}
	stays, goes = links.Manifests[0].Digest, links.Manifests[1].Digest
	w.Content.Manifests = slices.DeleteFunc(w.Content.Manifests, func(m oci.Manifest) bool { return m.Descriptor.Digest == goes })
	index.Left = []v1.Hash{goes}
	return w, index, stays, goes
}

// What the lock says was left behind is no loss, and the index is what it was.
func TestLeftOnPurpose(t *testing.T) {
	w, index, stays, goes := sparse(t)
	b := open(t, w.Write(t, write.Options{}).Files[0], OpenOptions{})
	if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
		t.Errorf("Verify() = %v, want nil", err)
	}
	if left := b.Left(); len(left) != 1 || !left[goes] {
		t.Errorf("Left() = %v, want %s alone", left, goes)
	}
	if m, err := b.Manifest(t.Context(), index.Target.Repository, index.Target.Tag); err != nil || !bytes.Equal(m.Body, w.Body(index.Digest)) {
		t.Errorf("Manifest(the index) = %s, %v, want what the vendor has", m.Body, err)
	}
	if _, err := b.Resolve(t.Context(), index.Target.Repository, stays.String()); err != nil {
		t.Errorf("Resolve(the image that stays) = %v", err)
	}
	if _, err := b.Resolve(t.Context(), index.Target.Repository, goes.String()); err == nil {
		t.Error("Resolve(the image that was left) = nil, want that it is not found")
	}
}

// An image that another artifact brings is there, whatever an index leaves.
func TestLeftAndBrought(t *testing.T) {
	w, index, _, goes := sparse(t)
	whole := bundletest.New(t)
	for _, m := range whole.Content.Manifests {
		if m.Descriptor.Digest == goes {
			w.Content.Manifests = append(w.Content.Manifests, m)
			w.Artifact(index.Role, "postgres-instance", "arm", m.Descriptor)
		}
	}
	b := open(t, w.Write(t, write.Options{}).Files[0], OpenOptions{})
	if left := b.Left(); len(left) > 0 {
		t.Errorf("Left() = %v, want nothing: it is there", left)
	}
}

// Whoever changes the lock, or loses what it does not name, is found out.
func TestLeftByNobody(t *testing.T) {
	w, _, stays, goes := sparse(t)
	good := bundletest.Unpack(t, w.Write(t, write.Options{}).Files[0])
	foreign := strings.Repeat("ab", 32)
	change := func(old, new string) func([]bundletest.Item) []bundletest.Item {
		return func(items []bundletest.Item) []bundletest.Item {
			n := find1(t, items, write.LockFile)
			if !bytes.Contains(items[n].Body, []byte(old)) {
				t.Fatalf("the lock has no %q", old)
			}
			items[n].Body = bytes.Replace(items[n].Body, []byte(old), []byte(new), 1)
			return items
		}
	}
	tests := []struct {
		name  string
		spoil func([]bundletest.Item) []bundletest.Item
		want  string
	}{
		{"a manifest is lost", func(items []bundletest.Item) []bundletest.Item {
			n := find1(t, items, "blobs/sha256/"+stays.Hex)
			return append(items[:n], items[n+1:]...)
		}, "is missing"},
		{"the index names no such thing", change(goes.Hex, foreign), "is missing"},
		{"the index does not name all of them", change(`"left": [`, `"left": [ "sha256:`+strings.Repeat("0", 64)+`",`), "which the index does not name"},
		{"all are left", func(items []bundletest.Item) []bundletest.Item {
			both := []string{"sha256:" + stays.Hex, "sha256:" + goes.Hex}
			slices.Sort(both)
			return change(`"sha256:`+goes.Hex+`"`, `"`+strings.Join(both, `","`)+`"`)(items)
		}, "left behind"},
		{"it is here after all", func(items []bundletest.Item) []bundletest.Item {
			for _, m := range bundletest.New(t).Content.Manifests {
				if m.Descriptor.Digest == goes {
					items = append(items, bundletest.Regular("blobs/sha256/"+goes.Hex, m.Body))
				}
			}
			return items
		}, "belongs to nothing"},
		{"the lock says it twice", change(`"sha256:`+goes.Hex+`"`, `"sha256:`+goes.Hex+`","sha256:`+goes.Hex+`"`), "out of its order"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := use(t, bundletest.Pack(t, tt.spoil(slices.Clone(good))))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("opening it = %v, want %q", err, tt.want)
			}
		})
	}
}
