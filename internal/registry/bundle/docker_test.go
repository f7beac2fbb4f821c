package bundle

import (
	"archive/tar"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

func TestTheVendorsDownloadInEveryShape(t *testing.T) {
	folder := t.TempDir()
	for _, i := range bundletest.UnpackBytes(t, bundletest.Download(t)) {
		name := filepath.Join(folder, i.Name)
		if i.Typeflag == tar.TypeDir {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, i.Body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain, packed := filepath.Join(t.TempDir(), "d.tar"), filepath.Join(t.TempDir(), "d.tar.gz")
	if err := errors.Join(os.WriteFile(plain, bundletest.Download(t), 0o600), os.WriteFile(packed, bundletest.Compress(t, bundletest.Download(t)), 0o600)); err != nil {
		t.Fatal(err)
	}
	var first *lock.Lock
	for _, path := range []string{plain, packed, folder} {
		spool := t.TempDir()
		b := open(t, path, OpenOptions{TempDir: spool})
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
		"instance v4.5.0 " + bundletest.Vendor + "/postgres-instance:v18.4-v4.5.0 -> tanzu-sql-postgres/postgres-instance:v18.4-v4.5.0",
		"operator v4.5.0 " + bundletest.Vendor + "/postgres-operator:v4.5.0 -> tanzu-sql-postgres/postgres-operator:v4.5.0",
		"chart v4.5.0 " + bundletest.Vendor + "/vmware-sql-postgres-operator:v4.5.0 -> tanzu-sql-postgres/vmware-sql-postgres-operator:v4.5.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifacts:\n%s", diff)
	}
	// Two images share a config and two layers; the chart has one of each.
	if len(first.Blobs) != 5 {
		t.Errorf("%d distinct blobs, want 5", len(first.Blobs))
	}
}

func TestDockerLayersKeepTheirDigests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, bundletest.DockerArchive(t, "registry.example.com/a/b:c"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path, OpenOptions{})
	m, err := b.Manifest(t.Context(), "a/b", "c")
	if err != nil {
		t.Fatal(err)
	}
	l, err := oci.Parse(m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range l.Layers {
		got = append(got, d.Digest.Hex+" "+string(d.MediaType))
	}
	plain := string(types.OCIUncompressedLayer)
	want := []string{bundletest.Sum(bundletest.LayerOne) + " " + plain, bundletest.Sum(bundletest.LayerTwo) + " " + plain, bundletest.Sum(bundletest.LayerOne) + " " + plain}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layers:\n%s", diff)
	}
}

func TestHostileDownloads(t *testing.T) {
	good := func() []bundletest.Item {
		return bundletest.UnpackBytes(t, bundletest.DockerArchive(t, "registry.example.com/a/b:c"))
	}
	tests := []struct {
		name  string
		items func() []bundletest.Item
		want  string
	}{
		{"a link that leads out", func() []bundletest.Item {
			i := good()
			i[2].Linkname = "../../../etc/shadow"
			return i
		}, "leads out"},
		{"links in a circle", func() []bundletest.Item {
			i := good()
			i[2].Linkname = "../ccc/layer.tar"
			return i
		}, "in circles"},
		{"a link to nowhere", func() []bundletest.Item {
			i := good()
			i[2].Linkname = "../ddd/layer.tar"
			return i
		}, "is missing"},
		{"a layer that was changed", func() []bundletest.Item {
			i := good()
			i[1].Body = append([]byte("x"), i[1].Body[1:]...)
			return i
		}, "digest mismatch"},
		{"no config", func() []bundletest.Item { i := good(); return append(i[:3], i[4:]...) }, "is missing"},
		{"a table of contents that is no JSON", func() []bundletest.Item { i := good(); i[4].Body = []byte("["); return i }, imagelayout.DockerFile},
		{"an entry twice", func() []bundletest.Item { i := good(); return append(i, i[0]) }, "twice"},
	}
	for _, tt := range tests {
		body := bundletest.Pack(t, tt.items())
		for shape, archive := range map[string][]byte{
			"plain": body, "compressed": bundletest.Compress(t, body),
			"download":            bundletest.Pack(t, []bundletest.Item{bundletest.Regular("d/images/x.tar", body)}),
			"compressed download": bundletest.Compress(t, bundletest.Pack(t, []bundletest.Item{bundletest.Regular("d/images/x.tar", body)})),
		} {
			if err := use(t, archive); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: Open+Verify = %v, want an error with %q", tt.name, shape, err, tt.want)
			}
		}
	}
}

// A chart whose name no registry can have is no chart that can be loaded: to leave it out without a word
// would be a mirror without its chart.
func TestADownloadWithAChartOfNoName(t *testing.T) {
	packed := func(name string) []bundletest.Item {
		body := "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
		return []bundletest.Item{bundletest.Regular("download/operator/chart.tgz", bundletest.Compress(t, bundletest.Pack(t, []bundletest.Item{
			bundletest.Regular("chart/Chart.yaml", []byte(body)),
		})))}
	}
	for name, refused := range map[string]bool{
		"postgres-operator": false, "UPPER": true, "../../x": true, "a b": true, "/x": true, "a:b": true, "a@b": true, "a//b": true,
	} {
		items := append(packed(name), bundletest.Regular("download/images/operator.tar", bundletest.DockerArchive(t, bundletest.Vendor+"/postgres-operator:v4.5.0")))
		b, err := Open(t.Context(), bundletest.File(t, bundletest.Pack(t, items)), OpenOptions{TempDir: t.TempDir()})
		switch {
		case (err != nil) != refused:
			t.Errorf("Open() of a download with a chart called %q = %v, want refused: %t", name, err, refused)
		case refused && !strings.Contains(err.Error(), "chart download/operator/chart.tgz: "):
			t.Errorf("Open() = %v, want it to name the chart", err)
		case err == nil && len(b.Lock().Artifacts) != 2:
			t.Errorf("a chart called %q is left out", name)
		}
		if err == nil {
			b.Close()
		}
	}
}

// Earlier versions left every layer that is called non-distributable out of bundles, where it can be had or
// not. Such a bundle is not said to have been changed.
func TestABundleWithoutANonDistributableLayer(t *testing.T) {
	w := bundletest.New(t)
	layer := w.Layer(40, 900)
	layer.MediaType = types.DockerForeignLayer
	w.Artifact(versions.RoleOperator, "postgres-operator", "foreign", w.Image(types.DockerManifestSchema2, layer))
	items := bundletest.Unpack(t, w.Write(t, write.Options{}).Files[0])
	if err := useFile(t, bundletest.File(t, bundletest.Pack(t, items))); err != nil {
		t.Errorf("a bundle that has the layer: %v", err)
	}
	n := find1(t, items, write.LockFile)
	without, err := lock.Parse(items[n].Body)
	if err != nil {
		t.Fatal(err)
	}
	without.Blobs = slices.DeleteFunc(without.Blobs, func(b lock.Blob) bool { return b.Digest == layer.Digest })
	items[n].Body = without.Marshal()
	items = slices.DeleteFunc(items, func(i bundletest.Item) bool { return strings.HasSuffix(i.Name, layer.Digest.Hex) })
	err = useFile(t, bundletest.File(t, bundletest.Pack(t, items)))
	if err == nil || !strings.Contains(err.Error(), "non-distributable") || !strings.Contains(err.Error(), "save the bundle again") {
		t.Errorf("Open() = %v, want it to say which layer is not there, and what to do", err)
	}
}
