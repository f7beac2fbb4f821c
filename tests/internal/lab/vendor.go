package lab

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// PushChart puts a packed chart into a registry, as helm does.
func PushChart(t *testing.T, into *registrytest.Registry, repositoryAndTag string, archive []byte) {
	t.Helper()
	parsed, err := chart.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := parsed.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), helmregistry.ConfigMediaType)
	layer := static.NewLayer(packed.Archive, helmregistry.ChartLayerMediaType)
	image, err = mutate.AppendLayers(image, layer)
	if err != nil {
		t.Fatal(err)
	}
	into.Push(t, repositoryAndTag, image)
}

// PushImage puts an image into a registry that runs a static program; an empty name is an image
// of its own in which nothing runs.
func PushImage(t *testing.T, into *registrytest.Registry, repositoryAndTag, program string) {
	t.Helper()
	content := []byte("This is a stand-in for " + repositoryAndTag + ": nothing runs here.\n")
	if program != "" {
		var err error
		if content, err = os.ReadFile(program); err != nil {
			t.Fatal(err)
		}
	}
	image, err := mutate.AppendLayers(empty.Image, fileLayer(t, "run", content))
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", runtime.GOARCH, []string{"/run"}
	config.Config.User = "65532"                                        // some charts let nothing run as root
	config.Config.Labels = map[string]string{"title": repositoryAndTag} // no two are the same
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	into.Push(t, repositoryAndTag, image)
}

// fileLayer holds one file that can be run.
func fileLayer(t *testing.T, name string, content []byte) v1.Layer {
	t.Helper()
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}
