package bundle

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// item is one entry of a tar that a test takes apart and puts together.
type item struct {
	tar.Header
	body []byte
}

func unpack(t testing.TB, path string) []item {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []item
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item{*h, body})
	}
}

func pack(t testing.TB, items []item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		if i.Typeflag == tar.TypeReg {
			i.Size = int64(len(i.body))
		}
		if err := w.WriteHeader(&i.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(i.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func regular(name string, body []byte) item {
	return item{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, body}
}

// use opens a bundle and verifies it.
func use(t testing.TB, body []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return useFile(t, path)
}

func useFile(t testing.TB, path string) error {
	t.Helper()
	b, err := Open(t.Context(), path, OpenOptions{SpoolDir: t.TempDir()})
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Verify(t.Context(), VerifyOptions{})
}

func find1(t testing.TB, items []item, name string) int {
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
	path := newWorld(t).write(t, WriteOptions{}).Files[0]
	largest := func(items []item) int {
		best := 0
		for i := range items {
			if len(items[i].body) > len(items[best].body) {
				best = i
			}
		}
		return best
	}
	tests := []struct {
		name string
		// spoil changes a good bundle.
		spoil func(items []item) []item
		want  string
	}{
		{"a name that climbs", func(i []item) []item { return append(i, regular("../../etc/passwd", nil)) }, "leads out of the archive"},
		{"a name that climbs in the middle", func(i []item) []item { return append(i, regular("blobs/../../x", nil)) }, "leads out of the archive"},
		{"an absolute name", func(i []item) []item { return append(i, regular("/etc/passwd", nil)) }, "leads out of the archive"},
		{"a name with a backslash", func(i []item) []item { return append(i, regular(`..\x`, nil)) }, "leads out of the archive"},
		{"a symbolic link", func(i []item) []item {
			return append(i, item{tar.Header{Name: "blobs/sha256/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil})
		}, "leads out"},
		{"a symbolic link inside", func(i []item) []item {
			return append(i, item{tar.Header{Name: "blobs/x", Typeflag: tar.TypeSymlink, Linkname: "sha256"}, nil})
		}, "is a link"},
		{"a hard link", func(i []item) []item {
			return append(i, item{tar.Header{Name: "blobs/x", Typeflag: tar.TypeLink, Linkname: indexName}, nil})
		}, "is a link"},
		{"a device", func(i []item) []item {
			return append(i, item{tar.Header{Name: "null", Typeflag: tar.TypeChar}, nil})
		}, "no regular file"},
		{"an entry twice", func(i []item) []item { return append(i, i[find1(t, i, indexName)]) }, "is there twice"},
		{"an entry twice, spelled otherwise", func(i []item) []item {
			twin := i[find1(t, i, indexName)]
			twin.Name = "./" + twin.Name
			return append(i, twin)
		}, "is there twice"},
		{"something that does not belong", func(i []item) []item { return append(i, regular("run.sh", []byte("#!/bin/sh"))) }, "does not belong"},
		{"a blob that belongs to nothing", func(i []item) []item {
			return append(i, regular("blobs/sha256/"+sum([]byte("evil")), []byte("evil")))
		}, "belongs to nothing"},
		{"a blob that is missing", func(i []item) []item { n := largest(i); return append(i[:n], i[n+1:]...) }, "missing"},
		{"a blob that was changed", func(i []item) []item { i[largest(i)].body[12345] ^= 1; return i }, "digest mismatch"},
		{"a blob that is too short", func(i []item) []item {
			n := largest(i)
			i[n].body = i[n].body[:100]
			return i
		}, "should have"},
		{"a manifest that was changed", func(i []item) []item {
			for n := range i {
				if bytes.Contains(i[n].body, []byte(`"schemaVersion":2`)) && strings.HasPrefix(i[n].Name, "blobs/") {
					i[n].body = bytes.Replace(i[n].body, []byte(`"schemaVersion":2`), []byte(`"schemaVersion":3`), 1)
					break
				}
			}
			return i
		}, "digest mismatch"},
		{"no index", func(i []item) []item { n := find1(t, i, indexName); return append(i[:n], i[n+1:]...) }, ""},
		{"an index that shows something else", func(i []item) []item {
			other := v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{{
				MediaType: types.OCIManifestSchema1, Size: 4, Digest: v1.Hash{Algorithm: "sha256", Hex: sum([]byte("evil"))},
			}}}
			i[find1(t, i, indexName)].body = encode(other)
			return append(i, regular("blobs/sha256/"+sum([]byte("evil")), []byte("evil")))
		}, "not in the lock"},
		{"an index that swaps two names", func(i []item) []item {
			body := string(i[find1(t, i, indexName)].body)
			swap := strings.NewReplacer("postgres-operator:v4.3.1", "postgres-instance:v17.5-v4.3.1", "postgres-instance:v17.5-v4.3.1", "postgres-operator:v4.3.1")
			i[find1(t, i, indexName)].body = []byte(swap.Replace(body))
			return i
		}, "which the lock does not"},
		{"an index that swaps two names of containerd's", func(i []item) []item {
			body := string(i[find1(t, i, indexName)].body)
			key := `"` + containerdAnnotation + `": "` + vendor
			swap := strings.NewReplacer(key+"/postgres-operator:v4.3.1", key+"/postgres-instance:v17.5-v4.3.1", key+"/postgres-instance:v17.5-v4.3.1", key+"/postgres-operator:v4.3.1")
			i[find1(t, i, indexName)].body = []byte(swap.Replace(body))
			return i
		}, "which the lock does not"},
		{"an index that says everything twice", func(i []item) []item {
			n := find1(t, i, indexName)
			i[n].body = append([]byte(`{"manifests":[],`), bytes.TrimLeft(i[n].body, "{\n")...)
			return i
		}, indexName + " does not say what the lock does"},
		{"a table of docker's that swaps two names", func(i []item) []item {
			n := find1(t, i, dockerName)
			i[n].body = bytes.ReplaceAll(i[n].body, []byte("postgres-operator:v4.3.1"), []byte("postgres-instance:v17.5-v4.3.1"))
			return i
		}, dockerName + " does not say what the lock does"},
		{"a lock that leaves out what is here", func(i []item) []item {
			n := find1(t, i, lockName)
			i[n].body = bytes.Replace(i[n].body, []byte(`"blobs": [
  {`), []byte(`"blobs": [
  {
   "omitted": true,`), 1)
			return i
		}, "left out, and it is here"},
		{"a lock with a role that nobody knows", func(i []item) []item {
			n := find1(t, i, lockName)
			i[n].body = bytes.Replace(i[n].body, []byte(`"role": "chart"`), []byte(`"role": "virus"`), 1)
			return i
		}, `no known role: "virus"`},
		{"an index that is no JSON", func(i []item) []item { i[find1(t, i, indexName)].body = []byte("{{"); return i }, indexName},
		{"a lock that is no JSON", func(i []item) []item { i[find1(t, i, lockName)].body = []byte("{{"); return i }, "not a lock"},
		{"a lock from the future", func(i []item) []item {
			n := find1(t, i, lockName)
			i[n].body = bytes.Replace(i[n].body, []byte("lock/v1"), []byte("lock/v9"), 1)
			return i
		}, "another version"},
		{"a lock with a tag moved", func(i []item) []item {
			n := find1(t, i, lockName)
			i[n].body = bytes.ReplaceAll(i[n].body, []byte(`"tag": "v17.5-v4.3.1"`), []byte(`"tag": "-rf /"`))
			return i
		}, "lock: "},
		{"a layout of another version", func(i []item) []item {
			i[find1(t, i, layoutName)].body = []byte(`{"imageLayoutVersion":"2.0.0"}`)
			return i
		}, "cannot be read"},
		{"an empty tar", func([]item) []item { return nil }, "neither an OCI image layout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := use(t, pack(t, tt.spoil(unpack(t, path))))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open+Verify = %v, want an error with %q", err, tt.want)
			}
		})
	}
	if err := use(t, pack(t, unpack(t, path))); err != nil {
		t.Errorf("the bundle packed again = %v, want nil", err)
	}
}

func TestTruncatedBundles(t *testing.T) {
	path := newWorld(t).write(t, WriteOptions{}).Files[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 511, 512, 700, 1024, 20_000, len(whole) / 2, len(whole) - 3<<20, len(whole) - 2000, len(whole) - 1025, len(whole) - 1024, len(whole) - 512, len(whole) - 1} {
		err := use(t, whole[:size])
		if err == nil {
			t.Errorf("Open+Verify of %d bytes of %d = nil, want an error", size, len(whole))
		}
		if size == 0 && !errors.Is(err, errEmpty) {
			t.Errorf("Open+Verify of nothing = %v, want %v", err, errEmpty)
		}
		if size > 1024 && !errors.Is(err, errTruncated) {
			t.Errorf("Open+Verify of %d bytes of %d = %v, want %v", size, len(whole), err, errTruncated)
		}
	}
}

func TestEveryFlippedByteIsFoundOrHarmless(t *testing.T) {
	path := newWorld(t).write(t, WriteOptions{}).Files[0]
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
		return encode(v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{layer}})
	}
	d := func(body []byte, size int64) v1.Descriptor {
		return v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: sum(body)}, Size: size}
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
		{"a layer of a negative size", d(image(d(layer, 7), d(layer, -7)), 0), [][]byte{image(d(layer, 7), d(layer, -7)), layer}, "descriptor of -7 bytes"},
		{"a layer with two sizes", d(image(d(layer, 7), d(layer, 8)), 0), [][]byte{image(d(layer, 7), d(layer, 8)), layer}, "7 and 8 bytes"},
		{"a layer that is missing", d(good, 0), [][]byte{good}, "are missing"},
		{"a manifest as a list of bytes", d(layer, 7), [][]byte{layer}, "not a manifest"},
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
	top.Annotations = map[string]string{refNameAnnotation: vendor + "/postgres-operator:v4.3.1"}
	items := []item{
		regular(layoutName, []byte(layoutBody)),
		regular(indexName, encode(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{top}})),
	}
	seen := make(map[string]bool)
	for _, b := range blobs {
		if name := "blobs/sha256/" + sum(b); !seen[name] {
			seen[name] = true
			items = append(items, regular(name, b))
		}
	}
	return pack(t, items)
}

// TestCyclicIndexes: a digest makes a true cycle impossible; one that lies is found when
// it is read, and a ladder of indexes ends where it gets too deep.
func TestCyclicIndexes(t *testing.T) {
	lie := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}
	body := encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{
		{MediaType: types.OCIImageIndex, Digest: lie, Size: 0},
	}})
	var index v1.IndexManifest
	if err := json.Unmarshal(body, &index); err != nil {
		t.Fatal(err)
	}
	index.Manifests[0].Size = int64(len(encode(index))) + 2
	body = encode(index)
	top := v1.Descriptor{
		MediaType: types.OCIImageIndex, Digest: lie, Size: int64(len(body)),
		Annotations: map[string]string{refNameAnnotation: vendor + "/postgres-operator:v1"},
	}
	cyclic := pack(t, []item{
		regular(layoutName, []byte(layoutBody)),
		regular(indexName, encode(v1.IndexManifest{SchemaVersion: 2, Manifests: []v1.Descriptor{top}})),
		regular(blobName(lie), body),
	})
	if err := use(t, cyclic); !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("an index that names itself = %v, want %v", err, registry.ErrDigestMismatch)
	}
	var ladder [][]byte
	child := encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex})
	for range maxDepth + 3 {
		ladder = append(ladder, child)
		child = encode(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{
			{MediaType: types.OCIImageIndex, Digest: v1.Hash{Algorithm: "sha256", Hex: sum(child)}, Size: int64(len(child))},
		}})
	}
	deep := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: v1.Hash{Algorithm: "sha256", Hex: sum(child)}, Size: int64(len(child))}
	if err := use(t, layoutOf(t, deep, append(ladder, child)...)); err == nil || !strings.Contains(err.Error(), "within one another") {
		t.Errorf("a ladder of indexes = %v, want it to be too deep", err)
	}
}

func TestSparseAndAbsurdSizes(t *testing.T) {
	sparse := pack(t, []item{regular("x", nil)})
	copy(sparse[156:], "S") // the old GNU type of a sparse file
	rehead(sparse[:block])
	absurd := pack(t, []item{regular("blobs/sha256/"+strings.Repeat("a", 64), []byte("x"))})
	copy(absurd[124:136], "77777777777\x00")
	rehead(absurd[:block])
	pax := paxSparse(t)
	for name, body := range map[string][]byte{"sparse": sparse, "absurd": absurd, "pax sparse": pax} {
		if err := use(t, body); err == nil {
			t.Errorf("Open(%s) = nil, want an error", name)
		}
	}
	if err := use(t, absurd); !errors.Is(err, errTruncated) {
		t.Errorf("Open(absurd) = %v, want %v", err, errTruncated)
	}
}

// paxSparse claims a file of an exbibyte that takes no room.
func paxSparse(t testing.TB) []byte {
	record := func(k, v string) string {
		n := len(k) + len(v) + 3
		for n != len(fmt.Sprint(n))+len(k)+len(v)+3 {
			n = len(fmt.Sprint(n)) + len(k) + len(v) + 3
		}
		return fmt.Sprintf("%d %s=%s\n", n, k, v)
	}
	body := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") +
		record("GNU.sparse.name", "blobs/sha256/x") + record("GNU.sparse.realsize", "1152921504606846976")
	items := pack(t, []item{regular("PaxHeaders/x", []byte(body)), regular("x", make([]byte, block))})
	items[156] = 'x'
	rehead(items[:block])
	return items
}

// rehead mends the checksum of a tar header.
func rehead(h []byte) {
	copy(h[148:156], "        ")
	n := 0
	for _, c := range h {
		n += int(c)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", n))
}

// FuzzOpen: run it with -fuzzminimizetime=10x, as tests/fuzz.sh does, for minimising takes most of
// the time otherwise.
func FuzzOpen(f *testing.F) {
	small := &world{blobs: map[v1.Hash][]byte{}, fetched: map[v1.Hash]int64{}}
	small.artifact("operator", "postgres-operator", "v4.3.1", small.image(types.OCIManifestSchema1, small.layer(1, 100)))
	body, err := os.ReadFile(small.write(f, WriteOptions{}).Files[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(layoutOf(f, small.content.Manifests[0].Descriptor, small.content.Manifests[0].Body))
	f.Add(dockerArchive(f, "registry.example.com/a/b:c"))
	f.Add(compress(f, download(f)))
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = use(t, body) // it may fail in any way but a panic or an endless loop
	})
}
