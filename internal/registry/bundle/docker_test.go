package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

var layerOne, layerTwo = bytes.Repeat([]byte("one"), 50), bytes.Repeat([]byte("two"), 30)

// dockerArchive is what "docker save" wrote before version 25: folders for layers, one of
// them a link to another's.
func dockerArchive(t testing.TB, names ...string) []byte {
	t.Helper()
	diff := func(b []byte) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: sum(b)} }
	config, err := json.Marshal(v1.ConfigFile{
		OS: "linux", Architecture: "amd64",
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diff(layerOne), diff(layerTwo), diff(layerOne)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest := encode([]dockerImage{{
		Config: sum(config) + ".json", RepoTags: names,
		Layers: []string{"aaa/layer.tar", "bbb/layer.tar", "ccc/layer.tar"},
	}})
	return pack(t, []item{
		regular("aaa/layer.tar", layerOne),
		regular("bbb/layer.tar", layerTwo),
		{tar.Header{Name: "ccc/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../aaa/layer.tar"}, nil},
		regular(sum(config)+".json", config),
		regular(dockerName, manifest),
		regular("repositories", []byte("{}")),
	})
}

// download follows the shape of the vendor's own: images and an unpacked chart below a
// folder that carries the release.
func download(t testing.TB) []byte {
	t.Helper()
	return pack(t, []item{
		{tar.Header{Name: "postgres-for-kubernetes-v4.5.0/images/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		regular("postgres-for-kubernetes-v4.5.0/images/postgres-operator.tar", dockerArchive(t, vendor+"/postgres-operator:v4.5.0")),
		regular("postgres-for-kubernetes-v4.5.0/images/postgres-instance.tar", dockerArchive(t, vendor+"/postgres-instance:v18.4-v4.5.0")),
		regular("postgres-for-kubernetes-v4.5.0/operator/Chart.yaml", []byte("apiVersion: v2\nname: vmware-sql-postgres-operator\nversion: v4.5.0\n")),
		regular("postgres-for-kubernetes-v4.5.0/operator/values.yaml", []byte("resources: {}\n")),
		regular("postgres-for-kubernetes-v4.5.0/operator/charts/sub/Chart.yaml", []byte("name: sub\nversion: 1.0.0\n")),
		regular("postgres-for-kubernetes-v4.5.0/README", []byte("hello")),
	})
}

func compress(t testing.TB, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheVendorsDownloadInEveryShape(t *testing.T) {
	folder := t.TempDir()
	for _, i := range unpackBytes(t, download(t)) {
		name := filepath.Join(folder, i.Name)
		if i.Typeflag == tar.TypeDir {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, i.body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain, packed := filepath.Join(t.TempDir(), "d.tar"), filepath.Join(t.TempDir(), "d.tar.gz")
	if err := errors.Join(os.WriteFile(plain, download(t), 0o600), os.WriteFile(packed, compress(t, download(t)), 0o600)); err != nil {
		t.Fatal(err)
	}
	var first *Lock
	for _, path := range []string{plain, packed, folder} {
		spool := t.TempDir()
		b := open(t, path, OpenOptions{SpoolDir: spool})
		if err := b.Verify(t.Context(), VerifyOptions{}); err != nil {
			t.Errorf("Verify(%s) = %v", path, err)
		}
		if first == nil {
			first = b.Lock()
		}
		if diff := cmp.Diff(first, b.Lock()); diff != "" {
			t.Errorf("%s has another lock:\n%s", path, diff)
		}
		if left, _ := os.ReadDir(spool); len(left) > 0 {
			t.Errorf("files with names in the spool: %v", left)
		}
	}
	var got []string
	for _, a := range first.Artifacts {
		got = append(got, string(a.Role)+" "+a.Release+" "+a.Source.String()+" -> "+a.Target.Repository+":"+a.Target.Tag)
	}
	want := []string{
		"instance v4.5.0 " + vendor + "/postgres-instance:v18.4-v4.5.0 -> tanzu-sql-postgres/postgres-instance:v18.4-v4.5.0",
		"operator v4.5.0 " + vendor + "/postgres-operator:v4.5.0 -> tanzu-sql-postgres/postgres-operator:v4.5.0",
		"chart v4.5.0 " + vendor + "/vmware-sql-postgres-operator:v4.5.0 -> tanzu-sql-postgres/vmware-sql-postgres-operator:v4.5.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifacts:\n%s", diff)
	}
	// Two images share a config and two layers; the chart has one of each.
	if len(first.Blobs) != 5 {
		t.Errorf("%d distinct blobs, want 5", len(first.Blobs))
	}
}

func unpackBytes(t testing.TB, body []byte) []item {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return unpack(t, path)
}

func TestDockerLayersKeepTheirDigests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, dockerArchive(t, "registry.example.com/a/b:c"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path, OpenOptions{})
	m, err := b.Manifest(t.Context(), "a/b", "c")
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseLinks(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range l.Layers {
		got = append(got, d.Digest.Hex+" "+string(d.MediaType))
	}
	plain := string(types.OCIUncompressedLayer)
	want := []string{sum(layerOne) + " " + plain, sum(layerTwo) + " " + plain, sum(layerOne) + " " + plain}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layers:\n%s", diff)
	}
}

func TestHostileDownloads(t *testing.T) {
	good := func() []item { return unpackBytes(t, dockerArchive(t, "registry.example.com/a/b:c")) }
	tests := []struct {
		name  string
		items func() []item
		want  string
	}{
		{"a link that leads out", func() []item {
			i := good()
			i[2].Linkname = "../../../etc/shadow"
			return i
		}, "leads out"},
		{"links in a circle", func() []item {
			i := good()
			i[2].Linkname = "../ccc/layer.tar"
			return i
		}, "in circles"},
		{"a link to nowhere", func() []item {
			i := good()
			i[2].Linkname = "../ddd/layer.tar"
			return i
		}, "is missing"},
		{"a layer that was changed", func() []item {
			i := good()
			i[1].body = append([]byte("x"), i[1].body[1:]...)
			return i
		}, "digest mismatch"},
		{"no config", func() []item { i := good(); return append(i[:3], i[4:]...) }, "is missing"},
		{"a table of contents that is no JSON", func() []item { i := good(); i[4].body = []byte("["); return i }, dockerName},
		{"an entry twice", func() []item { i := good(); return append(i, i[0]) }, "twice"},
	}
	for _, tt := range tests {
		body := pack(t, tt.items())
		for shape, archive := range map[string][]byte{
			"plain": body, "compressed": compress(t, body),
			"download":            pack(t, []item{regular("d/images/x.tar", body)}),
			"compressed download": compress(t, pack(t, []item{regular("d/images/x.tar", body)})),
		} {
			if err := use(t, archive); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: Open+Verify = %v, want an error with %q", tt.name, shape, err, tt.want)
			}
		}
	}
}

func TestCompressedBombs(t *testing.T) {
	huge := pack(t, []item{regular("d/images/x.tar", nil)})
	copy(huge[124:136], "77777777777\x00")
	rehead(huge[:block])
	if err := use(t, compress(t, huge)); err == nil {
		t.Error("a file of 8 GiB that is not there = nil, want an error")
	}
	claim := pack(t, []item{regular("d/x", nil)})
	copy(claim[124:136], []byte{0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	rehead(claim[:block])
	if err := use(t, compress(t, claim)); err == nil || !strings.Contains(err.Error(), "not enough disk space") {
		t.Errorf("a file larger than the disk = %v, want it refused before it is written", err)
	}
	tail := append(dockerArchive(t, "registry.example.com/a/b:c"), make([]byte, 8<<20)...)
	if err := use(t, compress(t, tail)); err == nil || !strings.Contains(err.Error(), "follow the end") {
		t.Errorf("megabytes after the end = %v, want an error", err)
	}
	whole := compress(t, download(t))
	for _, size := range []int{5, 30, len(whole) / 2, len(whole) - 4} {
		if err := use(t, whole[:size]); err == nil {
			t.Errorf("%d of %d compressed bytes = nil, want an error", size, len(whole))
		}
	}
	whole[len(whole)-6] ^= 1 // the checksum
	if err := use(t, whole); err == nil {
		t.Error("a wrong checksum = nil, want an error")
	}
}
