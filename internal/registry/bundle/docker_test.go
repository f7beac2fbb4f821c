package bundle

import (
	"archive/tar"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
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
