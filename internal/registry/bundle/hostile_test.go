package bundle

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// use opens a bundle and verifies it.
func use(t testing.TB, body []byte) error {
	t.Helper()
	return useFile(t, bundletest.File(t, body))
}

func useFile(t testing.TB, path string) error {
	t.Helper()
	b, err := Open(t.Context(), path, OpenOptions{TempDir: t.TempDir()})
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Verify(t.Context(), VerifyOptions{})
}

// open opens a bundle that is as it should be.
func open(t testing.TB, path string, opts OpenOptions) *Bundle {
	t.Helper()
	b, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatalf("Open(%s) = %v", path, err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func find1(t testing.TB, items []bundletest.Item, name string) int {
	t.Helper()
	for i := range items {
		if strings.HasPrefix(items[i].Name, name) {
			return i
		}
	}
	t.Fatalf("no entry %s", name)
	return 0
}

func TestHostileBundles(t *testing.T) {
	path := bundletest.New(t).Write(t, write.Options{}).Files[0]
	largest := func(items []bundletest.Item) int {
		best := 0
		for i := range items {
			if len(items[i].Body) > len(items[best].Body) {
				best = i
			}
		}
		return best
	}
	tests := []struct {
		name string
		// spoil changes a good bundle.
		spoil func(items []bundletest.Item) []bundletest.Item
		want  string
	}{
		{"a name that climbs", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Regular("../../etc/passwd", nil))
		}, "leads out of the archive"},
		{"a name that climbs in the middle", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Regular("blobs/../../x", nil))
		}, "leads out of the archive"},
		{"an absolute name", func(i []bundletest.Item) []bundletest.Item { return append(i, bundletest.Regular("/etc/passwd", nil)) }, "leads out of the archive"},
		{"a name with a backslash", func(i []bundletest.Item) []bundletest.Item { return append(i, bundletest.Regular(`..\x`, nil)) }, "leads out of the archive"},
		{"a symbolic link", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Link("blobs/sha256/x", tar.TypeSymlink, "/etc/passwd"))
		}, "leads out"},
		{"a symbolic link inside", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Link("blobs/x", tar.TypeSymlink, "sha256"))
		}, "is a link"},
		{"a hard link", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Link("blobs/x", tar.TypeLink, imagelayout.IndexFile))
		}, "is a link"},
		{"a device", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Link("null", tar.TypeChar, ""))
		}, "no regular file"},
		{"an entry twice", func(i []bundletest.Item) []bundletest.Item { return append(i, i[find1(t, i, imagelayout.IndexFile)]) }, "is there twice"},
		{"an entry twice, spelled otherwise", func(i []bundletest.Item) []bundletest.Item {
			twin := i[find1(t, i, imagelayout.IndexFile)]
			twin.Name = "./" + twin.Name
			return append(i, twin)
		}, "is there twice"},
		{"something that does not belong", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Regular("run.sh", []byte("#!/bin/sh")))
		}, "does not belong"},
		{"a blob that belongs to nothing", func(i []bundletest.Item) []bundletest.Item {
			return append(i, bundletest.Regular("blobs/sha256/"+bundletest.Sum([]byte("evil")), []byte("evil")))
		}, "belongs to nothing"},
		{"a blob that is missing", func(i []bundletest.Item) []bundletest.Item { n := largest(i); return append(i[:n], i[n+1:]...) }, "missing"},
		{"a blob that was changed", func(i []bundletest.Item) []bundletest.Item { i[largest(i)].Body[12345] ^= 1; return i }, "digest mismatch"},
		{"a blob that is too short", func(i []bundletest.Item) []bundletest.Item {
			n := largest(i)
			i[n].Body = i[n].Body[:100]
			return i
		}, "should have"},
		{"a manifest that was changed", func(i []bundletest.Item) []bundletest.Item {
			for n := range i {
				if bytes.Contains(i[n].Body, []byte(`"schemaVersion":2`)) && strings.HasPrefix(i[n].Name, "blobs/") {
					i[n].Body = bytes.Replace(i[n].Body, []byte(`"schemaVersion":2`), []byte(`"schemaVersion":3`), 1)
					break
				}
			}
			return i
		}, "digest mismatch"},
		{"no index", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, imagelayout.IndexFile)
			return append(i[:n], i[n+1:]...)
		}, ""},
		{"an index that shows something else", func(i []bundletest.Item) []bundletest.Item {
			other := v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{{
				MediaType: types.OCIManifestSchema1, Size: 4, Digest: v1.Hash{Algorithm: "sha256", Hex: bundletest.Sum([]byte("evil"))},
			}}}
			i[find1(t, i, imagelayout.IndexFile)].Body = imagelayout.Encode(other)
			return append(i, bundletest.Regular("blobs/sha256/"+bundletest.Sum([]byte("evil")), []byte("evil")))
		}, "not in the lock"},
		{"an index that swaps two names", func(i []bundletest.Item) []bundletest.Item {
			body := string(i[find1(t, i, imagelayout.IndexFile)].Body)
			swap := strings.NewReplacer("postgres-operator:v4.3.1", "postgres-instance:v17.5-v4.3.1", "postgres-instance:v17.5-v4.3.1", "postgres-operator:v4.3.1")
			i[find1(t, i, imagelayout.IndexFile)].Body = []byte(swap.Replace(body))
			return i
		}, "which the lock does not"},
		{"an index that swaps two names of containerd's", func(i []bundletest.Item) []bundletest.Item {
			body := string(i[find1(t, i, imagelayout.IndexFile)].Body)
			key := `"` + imagelayout.ContainerdName + `": "` + bundletest.Vendor
			swap := strings.NewReplacer(key+"/postgres-operator:v4.3.1", key+"/postgres-instance:v17.5-v4.3.1", key+"/postgres-instance:v17.5-v4.3.1", key+"/postgres-operator:v4.3.1")
			i[find1(t, i, imagelayout.IndexFile)].Body = []byte(swap.Replace(body))
			return i
		}, "which the lock does not"},
		{"an index that says everything twice", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, imagelayout.IndexFile)
			i[n].Body = append([]byte(`{"manifests":[],`), bytes.TrimLeft(i[n].Body, "{\n")...)
			return i
		}, imagelayout.IndexFile + " does not say what the lock does"},
		{"a table of docker's that swaps two names", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, imagelayout.DockerFile)
			i[n].Body = bytes.ReplaceAll(i[n].Body, []byte("postgres-operator:v4.3.1"), []byte("postgres-instance:v17.5-v4.3.1"))
			return i
		}, imagelayout.DockerFile + " does not say what the lock does"},
		{"a lock that leaves out what is here", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, write.LockFile)
			i[n].Body = bytes.Replace(i[n].Body, []byte(`"blobs": [
  {`), []byte(`"blobs": [
  {"omitted":true,`), 1)
			return i
		}, "left out, and it is here"},
		{"a lock with a role that nobody knows", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, write.LockFile)
			i[n].Body = bytes.Replace(i[n].Body, []byte(`"role": "chart"`), []byte(`"role": "virus"`), 1)
			return i
		}, `no known role: "virus"`},
		{"an index that is no JSON", func(i []bundletest.Item) []bundletest.Item {
			i[find1(t, i, imagelayout.IndexFile)].Body = []byte("{{")
			return i
		}, imagelayout.IndexFile},
		{"a lock that is no JSON", func(i []bundletest.Item) []bundletest.Item {
			i[find1(t, i, write.LockFile)].Body = []byte("{{")
			return i
		}, "not a lock"},
		{"a lock from the future", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, write.LockFile)
			i[n].Body = bytes.Replace(i[n].Body, []byte("lock/v2"), []byte("lock/v9"), 1)
			return i
		}, "another version"},
		{"a lock with a tag moved", func(i []bundletest.Item) []bundletest.Item {
			n := find1(t, i, write.LockFile)
			i[n].Body = bytes.ReplaceAll(i[n].Body, []byte(`:v17.5-v4.3.1"`), []byte(`:-rf /"`))
			return i
		}, "lock: "},
		{"a layout of another version", func(i []bundletest.Item) []bundletest.Item {
			i[find1(t, i, imagelayout.VersionFile)].Body = []byte(`{"imageLayoutVersion":"2.0.0"}`)
			return i
		}, "cannot be read"},
		{"an empty tar", func([]bundletest.Item) []bundletest.Item { return nil }, "neither an OCI image layout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := use(t, bundletest.Pack(t, tt.spoil(bundletest.Unpack(t, path))))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open+Verify = %v, want an error with %q", err, tt.want)
			}
		})
	}
	if err := use(t, bundletest.Pack(t, bundletest.Unpack(t, path))); err != nil {
		t.Errorf("the bundle packed again = %v, want nil", err)
	}
}

func TestTruncatedBundles(t *testing.T) {
	path := bundletest.New(t).Write(t, write.Options{}).Files[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 511, 512, 700, 1024, 20_000, len(whole) / 2, len(whole) - 3<<20, len(whole) - 2000, len(whole) - 1025, len(whole) - 1024, len(whole) - 512, len(whole) - 1} {
		err := use(t, whole[:size])
		if err == nil {
			t.Errorf("Open+Verify of %d bytes of %d = nil, want an error", size, len(whole))
		}
		if size == 0 && !errors.Is(err, archive.ErrEmpty) {
			t.Errorf("Open+Verify of nothing = %v, want %v", err, archive.ErrEmpty)
		}
		if size > 1024 && !errors.Is(err, archive.ErrTruncated) {
			t.Errorf("Open+Verify of %d bytes of %d = %v, want %v", size, len(whole), err, archive.ErrTruncated)
		}
	}
}

func TestEveryFlippedByteIsFoundOrHarmless(t *testing.T) {
	path := bundletest.New(t).Write(t, write.Options{}).Files[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, path, OpenOptions{})
	want := string(b.Lock().Marshal())
	for offset := 0; offset < len(whole); offset += 50_021 {
		whole[offset] ^= 0x21
		flipped := filepath.Join(t.TempDir(), "bundle")
		if err := os.WriteFile(flipped, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		whole[offset] ^= 0x21
		b, err := Open(t.Context(), flipped, OpenOptions{})
		if err != nil {
			continue
		}
		if err := b.Verify(t.Context(), VerifyOptions{}); err == nil && string(b.Lock().Marshal()) != want {
			t.Errorf("a byte flipped at %d goes unnoticed", offset)
		}
		b.Close()
	}
}

// TestLayoutsThatLie are not ours: without a lock the manifests alone can lie.
func TestLayoutsThatLie(t *testing.T) {
	image := func(config, layer v1.Descriptor) []byte {
		return imagelayout.Encode(v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{layer}})
	}
	d := func(body []byte, size int64) v1.Descriptor {
		return v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: bundletest.Sum(body)}, Size: size}
	}
	layer := []byte("a layer")
	good := image(d(layer, 7), d(layer, 7))
	tests := []struct {
		name  string
		index v1.Descriptor
		blobs [][]byte
		want  string
	}{
		{"a size that is wrong", d(good, 5), [][]byte{good, layer}, "should have 5"},
		{"a negative size", d(good, -1), [][]byte{good, layer}, "descriptor of -1 bytes"},
		{"a layer of an absurd size", d(image(d(layer, 7), d(layer, 1<<62)), 0), [][]byte{image(d(layer, 7), d(layer, 1<<62)), layer}, ""},
		{"a layer of a negative size", d(image(d(layer, 7), d(layer, -7)), 0), [][]byte{image(d(layer, 7), d(layer, -7)), layer}, "absurd size -7"},
		{"a layer with two sizes", d(image(d(layer, 7), d(layer, 8)), 0), [][]byte{image(d(layer, 7), d(layer, 8)), layer}, "7 and 8 bytes"},
		{"a layer that is missing", d(good, 0), [][]byte{good}, "are missing"},
		{"a manifest as a list of bytes", d(layer, 7), [][]byte{layer}, "reading manifest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.index.Size == 0 {
				tt.index.Size = int64(len(tt.blobs[0]))
			}
			err := use(t, layoutOf(t, tt.index, tt.blobs...))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open+Verify = %v, want an error with %q", err, tt.want)
			}
		})
	}
	if err := use(t, layoutOf(t, d(good, int64(len(good))), good, layer)); err != nil {
		t.Errorf("the honest layout = %v, want nil", err)
	}
}

// layoutOf is a layout of another tool, with one named manifest.
func layoutOf(t testing.TB, top v1.Descriptor, blobs ...[]byte) []byte {
	t.Helper()
	top.Annotations = map[string]string{imagelayout.RefName: bundletest.Vendor + "/postgres-operator:v4.3.1"}
	items := []bundletest.Item{
		bundletest.Regular(imagelayout.VersionFile, []byte(imagelayout.Version)),
		bundletest.Regular(imagelayout.IndexFile, imagelayout.Encode(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{top}})),
	}
	seen := make(map[string]bool)
	for _, b := range blobs {
		if name := "blobs/sha256/" + bundletest.Sum(b); !seen[name] {
			seen[name] = true
			items = append(items, bundletest.Regular(name, b))
		}
	}
	return bundletest.Pack(t, items)
}

// TestCyclicIndexes: a digest makes a true cycle impossible; one that lies is found when
// it is read, and a ladder of indexes ends where it gets too deep.
func TestCyclicIndexes(t *testing.T) {
	lie := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}
	body := imagelayout.Encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{
		{MediaType: types.OCIImageIndex, Digest: lie, Size: 0},
	}})
	var index v1.IndexManifest
	if err := json.Unmarshal(body, &index); err != nil {
		t.Fatal(err)
	}
	index.Manifests[0].Size = int64(len(imagelayout.Encode(index))) + 2
	body = imagelayout.Encode(index)
	top := v1.Descriptor{
		MediaType: types.OCIImageIndex, Digest: lie, Size: int64(len(body)),
		Annotations: map[string]string{imagelayout.RefName: bundletest.Vendor + "/postgres-operator:v1"},
	}
	cyclic := bundletest.Pack(t, []bundletest.Item{
		bundletest.Regular(imagelayout.VersionFile, []byte(imagelayout.Version)),
		bundletest.Regular(imagelayout.IndexFile, imagelayout.Encode(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{top}})),
		bundletest.Regular(imagelayout.BlobName(lie), body),
	})
	if err := use(t, cyclic); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("an index that names itself = %v, want %v", err, registry.ErrDigestMismatch)
	}
	var ladder [][]byte
	child := imagelayout.Encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex})
	for range oci.DefaultDepth + 3 {
		ladder = append(ladder, child)
		child = imagelayout.Encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{
			{MediaType: types.OCIImageIndex, Digest: v1.Hash{Algorithm: "sha256", Hex: bundletest.Sum(child)}, Size: int64(len(child))},
		}})
	}
	deep := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: v1.Hash{Algorithm: "sha256", Hex: bundletest.Sum(child)}, Size: int64(len(child))}
	if err := use(t, layoutOf(t, deep, append(ladder, child)...)); !errors.Is(err, oci.ErrLimit) {
		t.Errorf("a ladder of indexes = %v, want it to be too deep", err)
	}
}

// FuzzOpen: run it with -fuzzminimizetime=10x, as tests/fuzz.sh does, for minimising takes most of
// the time otherwise.
func FuzzOpen(f *testing.F) {
	small := &bundletest.World{Blobs: map[v1.Hash][]byte{}, Fetched: map[v1.Hash]int64{}}
	small.Artifact("operator", "postgres-operator", "v4.3.1", small.Image(types.OCIManifestSchema1, small.Layer(1, 100)))
	body, err := os.ReadFile(small.Write(f, write.Options{}).Files[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(layoutOf(f, small.Content.Manifests[0].Descriptor, small.Content.Manifests[0].Body))
	f.Add(bundletest.DockerArchive(f, "registry.example.com/a/b:c"))
	f.Add(bundletest.Compress(f, bundletest.Download(f)))
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = use(t, body) // it may fail in any way but a panic or an endless loop
	})
}
