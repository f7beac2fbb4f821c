package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pgrelocate/pgrelocate/internal/registry/server"
	"github.com/pgrelocate/pgrelocate/internal/registry/server/store"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// pushed makes a release and pushes it into a registry of its own.
func pushed(t *testing.T, opts Options) []versions.Artifact {
	t.Helper()
	content, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	registry := httptest.NewServer(server.NewWritable(content))
	t.Cleanup(registry.Close)
	release, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	written, err := release.Push(t.Context(), ref.Folder{Host: registry.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func pull(t *testing.T, a versions.Artifact) *remote.Descriptor {
	t.Helper()
	ref, err := name.ParseReference(a.Source.String())
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Get(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func pullImage(t *testing.T, a versions.Artifact) v1.Image {
	t.Helper()
	image, err := pull(t, a).Image()
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func find(t *testing.T, all []versions.Artifact, role versions.Role) versions.Artifact {
	t.Helper()
	i := slices.IndexFunc(all, func(a versions.Artifact) bool { return a.Role == role })
	if i < 0 {
		t.Fatalf("there is no %s among %d artifacts", role, len(all))
	}
	return all[i]
}

// The release has the shape of the vendor's: the artifacts of the catalogue, and layers
// shared as in a family of images.
func TestFamily(t *testing.T) {
	written := pushed(t, Options{})
	if len(written) != 23 {
		t.Errorf("Push() = %d artifacts, want 23", len(written))
	}
	blobs := map[string]int64{}
	places := map[string]bool{}
	for _, a := range written {
		got := pull(t, a)
		if got.Digest.String() != a.Source.Digest {
			t.Errorf("%s is %s, want %s as Push said", a.Source, got.Digest, a.Source.Digest)
		}
		manifest, err := v1.ParseManifest(strings.NewReader(string(got.Manifest)))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range append(manifest.Layers, manifest.Config) {
			blobs[d.Digest.String()] = d.Size
			places[a.Source.Repository+" "+d.Digest.String()] = true
		}
	}
	var bytes int64
	for _, size := range blobs {
		bytes += size
	}
	if len(blobs) != 59 || len(places) != 61 {
		t.Errorf("the family has %d distinct blobs in %d places, want 59 in 61", len(blobs), len(places))
	}
	if bytes < DefaultBytes || bytes > DefaultBytes*11/10 {
		t.Errorf("the distinct blobs are %d bytes, want a little more than %d", bytes, DefaultBytes)
	}
}

func TestImagesAreWhole(t *testing.T) {
	for _, a := range pushed(t, Options{}) {
		if a.Role == versions.RoleChart {
			continue
		}
		image := pullImage(t, a)
		if err := validate.Image(image); err != nil {
			t.Errorf("%s is not whole: %v", a.Source, err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS != "linux" || config.Architecture != "amd64" {
			t.Errorf("%s is for %s/%s, want linux/amd64", a.Source, config.OS, config.Architecture)
		}
	}
}

func digests(all []versions.Artifact) string {
	var words []string
	for _, a := range all {
		words = append(words, fmt.Sprintf("%s:%s %s", a.Source.Repository, a.Source.Tag, a.Source.Digest))
	}
	return strings.Join(words, "\n")
}

func TestTheSameEveryTime(t *testing.T) {
	multi := func(a versions.Artifact) bool { return a.Role == versions.RoleOperator }
	one := digests(pushed(t, Options{MultiArch: multi}))
	if diff := cmp.Diff(one, digests(pushed(t, Options{MultiArch: multi}))); diff != "" {
		t.Errorf("two releases of the same options differ:\n%s", diff)
	}
	if one == digests(pushed(t, Options{MultiArch: multi, Bytes: 2 * DefaultBytes})) {
		t.Error("releases of different sizes do not differ")
	}
}

// Other machines and other days give these digests too.
func TestTheSameEverywhere(t *testing.T) {
	want := map[versions.Role]string{}
	got := map[versions.Role]string{}
	for _, a := range pushed(t, Options{}) {
		if got[a.Role] == "" {
			got[a.Role] = a.Source.Digest
		}
	}
	data, err := os.ReadFile("testdata/digests.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		role, digest, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[versions.Role(role)] = digest
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("digests differ from testdata/digests.txt, which is right to change only with the content (-want +got):\n%s", diff)
	}
}

func TestBytes(t *testing.T) {
	const size = 20_000_000
	release, err := New(Options{Bytes: size})
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[v1.Hash]int64{}
	for _, a := range release.artifacts {
		layers, err := a.content.(v1.Image).Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, layer := range layers {
			digest, _ := layer.Digest()
			distinct[digest], _ = layer.Size()
		}
	}
	var sum int64
	for _, n := range distinct {
		sum += n
	}
	if sum < size || sum > size*102/100 {
		t.Errorf("the layers are %d bytes together, want %d and at most two in a hundred more", sum, size)
	}
}

func TestMultiArch(t *testing.T) {
	written := pushed(t, Options{MultiArch: func(a versions.Artifact) bool { return a.Role == versions.RoleOperator }})
	index, err := pull(t, find(t, written, versions.RoleOperator)).ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the index is not whole: %v", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range manifest.Manifests {
		platforms = append(platforms, d.Platform.String())
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("the index is for %s, want linux/amd64 linux/arm64", got)
	}
	if pull(t, find(t, written, versions.RoleInstance)).MediaType.IsIndex() {
		t.Error("an instance image is an index too, want only the operator's")
	}
}

// The operator's image runs what it was given: the executable is in it, and can be executed.
func TestOperatorBinary(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/true\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	written := pushed(t, Options{OperatorBinary: program, OperatorArgs: []string{"wait", "--long"}})
	image := pullImage(t, find(t, written, versions.RoleOperator))
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := append(config.Config.Entrypoint, config.Config.Cmd...); !slices.Equal(got, []string{"/" + operatorPath, "wait", "--long"}) {
		t.Errorf("the image runs %q, want the program with its arguments", got)
	}
	if got := unpack(t, image)[operatorPath]; got != "0755 #!/bin/true\n" {
		t.Errorf("%s = %q, want the program, executable", operatorPath, got)
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "absent"), t.TempDir()} {
		if _, err := New(Options{OperatorBinary: bad}); err == nil {
			t.Errorf("New(OperatorBinary: %s) = nil, want an error", bad)
		}
	}
}

// unpack returns an image's files, each as its mode and its content.
func unpack(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	flat := mutate.Extract(image)
	defer flat.Close()
	files := map[string]string{}
	for reader := newTar(flat); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = fmt.Sprintf("%04o %s", header.Mode, content)
	}
}

func TestSelection(t *testing.T) {
	only, err := postgres.ParseExpression("17.5")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(pushed(t, Options{Versions: only})); got != 5 {
		t.Errorf("Push() of one version = %d artifacts, want 5", got)
	}
	written := pushed(t, Options{Release: "v4.0.0"})
	if len(written) != 3 || written[2].Source.Tag != "v4.0.0" {
		t.Errorf("Push() of v4.0.0 = %s, want chart, operator and one image", digests(written))
	}
	if got := len(pushed(t, Options{Release: "v1.5.0"})); got != 2 {
		t.Errorf("Push() of v1.5.0 = %d artifacts, want 2: its chart is not known", got)
	}
}

func TestRefuses(t *testing.T) {
	wanted, err := postgres.ParseExpression("18")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		opts Options
		want string
	}{
		{Options{Release: "v9.9.9"}, "v9.9.9 is not a known release of tanzu"},
		{Options{Versions: wanted}, "18 is not in v4.3.1"},
		{Options{Catalogue: &versions.Catalogue{}}, "tanzu is not a product"},
	}
	for _, tt := range tests {
		if _, err := New(tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%+v) = %v, want %s", tt.opts, err, tt.want)
		}
	}
}

func TestPushStopsWithTheContext(t *testing.T) {
	release, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := release.Push(ctx, ref.Folder{Host: "127.0.0.1:1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Push() after the context ended = %v, want that", err)
	}
}
