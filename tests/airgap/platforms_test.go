package airgap_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Two kinds of nodes get what they need out of one bundle, which a machine of either kind saves: the
// vendor's index as it is with the images of both, and the program for both.
func TestTwoPlatformsInOneBundle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		index string
		start func(testing.TB, registrytest.Options) *registrytest.Registry
		third bool // what nobody asked for comes along
	}{
		{"sparse", registrytest.Distribution, false},
		{"whole", registrytest.Debian, true},
	} {
		t.Run(tt.index, func(t *testing.T) {
			t.Parallel()
			source, target := registrytest.Debian(t, registrytest.Options{}), tt.start(t, registrytest.Options{SparseIndexes: true})
			index := threePlatforms(t)
			if err := remote.WriteIndex(source.Reference(t, "op:1.0.0"), index, source.Remote(t.Context())...); err != nil {
				t.Fatal(err)
			}
			d := newDesk(t)
			file := fmt.Sprintf("product: mine\ntarget: mine\nregistries: {v: %s}\nshapes: {s: {registry: v, images: [{name: operator, repository: op, tag: \"{release}\"}]}}\nreleases: {1.0.0: {}}\n", source.Host)
			if err := os.WriteFile(d.path("mine.yaml"), []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			programs := programsFor(t, "amd64", "arm64")
			d.pgrelocate(t, "save", "pg.tar", "--catalogue", "mine.yaml", "--product", "mine", "--platform", "linux/amd64,linux/arm64", "--index", tt.index,
				"--with-program", "--program", strings.Join(programs, ","))
			d.pgrelocate(t, "bundle", "verify", "pg.tar")
			load := []string{"load", "pg.tar", "--registry", target.Host, "--catalogue", "mine.yaml", "--any-target"}
			d.pgrelocate(t, load...)

			if got, want := digestAt(t, target, "mine/op:1.0.0"), digestOf(t, index); got != want {
				t.Errorf("the index is %s, want the vendor's %s", got, want)
			}
			for i, want := range []bool{true, true, tt.third} {
				child := manifestsOf(t, index)[i]
				at := target.Reference(t, "mine/op:1.0.0").Context().Digest(child.Digest.String())
				image, err := remote.Image(at, target.Remote(t.Context())...)
				if err == nil {
					err = validate.Image(image)
				}
				if (err == nil) != want {
					t.Errorf("the image for %s: %v, want it there: %t", child.Platform, err, want)
				}
			}
			var platforms []string
			for _, tag := range tagsOf(t, target, "pgrelocate") {
				own, err := remote.Index(target.Reference(t, "pgrelocate:"+tag), target.Remote(t.Context())...)
				if err != nil {
					t.Fatal(err)
				}
				if err := validate.Index(own); err != nil {
					t.Error(err)
				}
				for _, child := range manifestsOf(t, own) {
					platforms = append(platforms, child.Platform.String())
				}
			}
			if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
				t.Errorf("the program is there for %v, want both kinds of nodes", platforms)
			}
			if out := d.pgrelocate(t, append(load, "--check")...); !strings.Contains(out, "0 copied, 2 present") {
				t.Errorf("a second load did something:\n%s", out)
			}
		})
	}
}

// programsFor are files with a program that says that it is pgrelocate, for each of some processors: what
// the real one takes minutes to build for, which no test here runs.
func programsFor(t *testing.T, architectures ...string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module github.com/pgrelocate/pgrelocate/cmd/pgrelocate\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var files []string
	for _, architecture := range architectures {
		file := filepath.Join(dir, architecture)
		build := exec.CommandContext(t.Context(), "go", "build", "-o", file, ".")
		build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture, "GOFLAGS=", "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building a program for %s: %v\n%s", architecture, err, out)
		}
		files = append(files, file)
	}
	return files
}

func tagsOf(t *testing.T, r *registrytest.Registry, repository string) []string {
	t.Helper()
	tags, err := remote.List(r.Reference(t, repository+":any").Context(), r.Remote(t.Context())...)
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

// threePlatforms is an index with an image for each of three platforms.
func threePlatforms(t *testing.T) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range []string{"amd64", "arm64", "s390x"} {
		image, err := random.Image(1000, 1)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config.OS, config.Architecture = "linux", architecture
		if image, err = mutate.ConfigFile(image, config); err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	return index
}

func manifestsOf(t *testing.T, index v1.ImageIndex) []v1.Descriptor {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Manifests
}

func digestOf(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
