package bundletest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// The layers of DockerArchive, of which the first is there twice.
var (
	LayerOne = bytes.Repeat([]byte("one"), 50)
	LayerTwo = bytes.Repeat([]byte("two"), 30)
)

// DockerArchive is what "docker save" wrote before version 25: folders for layers, one of
// them a link to another's.
func DockerArchive(t testing.TB, names ...string) []byte {
	t.Helper()
	diff := func(b []byte) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: Sum(b)} }
	config, err := json.Marshal(v1.ConfigFile{
		OS: "linux", Architecture: "amd64",
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diff(LayerOne), diff(LayerTwo), diff(LayerOne)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest := imagelayout.Encode([]imagelayout.DockerImage{{
		Config: Sum(config) + ".json", RepoTags: names,
		Layers: []string{"aaa/layer.tar", "bbb/layer.tar", "ccc/layer.tar"},
	}})
	return Pack(t, []Item{
		Regular("aaa/layer.tar", LayerOne),
		Regular("bbb/layer.tar", LayerTwo),
		{tar.Header{Name: "ccc/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../aaa/layer.tar"}, nil},
		Regular(Sum(config)+".json", config),
		Regular(imagelayout.DockerFile, manifest),
		Regular("repositories", []byte("{}")),
	})
}

// Download follows the shape of the vendor's own: images and an unpacked chart below a
// folder that carries the release.
func Download(t testing.TB) []byte {
	t.Helper()
	return Pack(t, []Item{
		{tar.Header{Name: "postgres-for-kubernetes-v4.5.0/images/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		Regular("postgres-for-kubernetes-v4.5.0/images/postgres-operator.tar", DockerArchive(t, Vendor+"/postgres-operator:v4.5.0")),
		Regular("postgres-for-kubernetes-v4.5.0/images/postgres-instance.tar", DockerArchive(t, Vendor+"/postgres-instance:v18.4-v4.5.0")),
		Regular("postgres-for-kubernetes-v4.5.0/operator/Chart.yaml", []byte("apiVersion: v2\nname: vmware-sql-postgres-operator\nversion: v4.5.0\n")),
		Regular("postgres-for-kubernetes-v4.5.0/operator/values.yaml", []byte("resources: {}\n")),
		Regular("postgres-for-kubernetes-v4.5.0/operator/charts/sub/Chart.yaml", []byte("name: sub\nversion: 1.0.0\n")),
		Regular("postgres-for-kubernetes-v4.5.0/README", []byte("hello")),
	})
}

// Compress is body behind gzip.
func Compress(t testing.TB, body []byte) []byte {
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

// UnpackBytes are the entries of a tar.
func UnpackBytes(t testing.TB, body []byte) []Item {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return Unpack(t, path)
}
