package airgap_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(released.root)
	program.Remove()
	os.Exit(code)
}

// desk is where somebody sits with a shell: a folder, and programs to run in it.
type desk struct{ folder string }

func newDesk(t *testing.T) desk {
	t.Helper()
	d := desk{t.TempDir()}
	if err := os.WriteFile(d.path("config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err) // docker's own; podman wants it where DOCKER_CONFIG says
	}
	return d
}

func (d desk) path(name string) string { return filepath.Join(d.folder, name) }

// pgrelocate runs the program and returns what it wrote; it has to succeed.
func (d desk) pgrelocate(t *testing.T, args ...string) string {
	t.Helper()
	code, out := d.try(t, args...)
	if code != 0 {
		t.Fatalf("pgrelocate %v = exit code %d:\n%s", args, code, out)
	}
	return out
}

// try runs the program and returns its exit code and what it wrote.
func (d desk) try(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := d.program(t, args...)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// program is the program, ready to run.
func (d desk) program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	return d.command(t, file, args...)
}

// run runs another tool; it has to succeed.
func (d desk) run(t *testing.T, tool string, args ...string) string {
	t.Helper()
	out, err := d.command(t, tool, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(tool), args, err, out)
	}
	return string(out)
}

func (d desk) command(t *testing.T, file string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(file, args...) // what runs for long is stopped by a clean-up
	cmd.Dir = d.folder
	cmd.Env = []string{
		"HOME=" + d.folder, "DOCKER_CONFIG=" + d.folder, "TMPDIR=" + d.folder, "XDG_RUNTIME_DIR=" + d.folder,
		"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin",
	}
	return cmd
}

// vendor starts a registry that has a stand-in of the release: an index among its images, and a
// signature and an SBOM on the operator. Nobody can push to it.
func vendor(t *testing.T, start func(testing.TB, registrytest.Options) *registrytest.Registry) *registrytest.Registry {
	t.Helper()
	released.once.Do(func() {
		dir, err := os.MkdirTemp("", "pgrelocate-test-") //nolint:usetesting // the tests after this one read it
		if err != nil {
			t.Fatal(err)
		}
		released.root = dir
		release(t, registrytest.Debian(t, registrytest.Options{Root: dir}))
	})
	return start(t, registrytest.Options{Root: released.root, ReadOnly: true})
}

// released is the content of the vendor's registries: what one of them has written all read.
var released struct {
	once sync.Once
	root string
}

// release pushes what the vendor has.
func release(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	release, err := standin.New(standin.Options{MultiArch: func(a versions.Artifact) bool { return a.Role == versions.RoleOperator }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), ref.Folder{Host: r.Host}, r.Remote(t.Context())...); err != nil {
		t.Fatalf("pushing the stand-in release: %v", err)
	}
	operator := r.Digest(t, "postgres-operator:v4.3.1")
	r.Push(t, "postgres-operator:sha256-"+operator.Hex+".sig", attachment(t, "application/vnd.dev.cosign.simplesigning.v1+json", nil))
	subject, err := remote.Head(r.Reference(t, "postgres-operator:v4.3.1"), r.Remote(t.Context())...)
	if err != nil {
		t.Fatal(err)
	}
	sbom := attachment(t, "application/spdx+json", subject)
	digest, err := sbom.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.Push(t, "postgres-operator@"+digest.String(), sbom)
}

// attachment is a small artifact, with a subject or without.
func attachment(t *testing.T, mediaType types.MediaType, subject *v1.Descriptor) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte(`{"attached":true}`), mediaType))
	if err != nil {
		t.Fatal(err)
	}
	image = mutate.ConfigMediaType(image, mediaType)
	if subject != nil {
		plain := v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
		image = mutate.Subject(image, plain).(v1.Image)
	}
	return image
}

// plain leaves out the indexes of referrers that registries without the API have under tags.
func plain(contents map[string]string) map[string]string {
	all := make(map[string]string)
	for name, digest := range contents {
		if _, hex, ok := strings.Cut(name, ":sha256-"); !ok || len(hex) != 64 {
			all[name] = digest
		}
	}
	return all
}

// referrers are the digests that a registry lists for what REPOSITORY:TAG holds.
func referrers(t *testing.T, r *registrytest.Registry, repositoryAndTag string) []string {
	t.Helper()
	ref := r.Reference(t, repositoryAndTag)
	index, err := remote.Referrers(ref.Context().Digest(r.Digest(t, repositoryAndTag).String()), r.Remote(t.Context())...)
	if err != nil {
		t.Fatalf("listing the referrers of %s: %v", ref, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range manifest.Manifests {
		all = append(all, d.Digest.String())
	}
	return all
}

// digestAt is what a registry that some tool filled holds.
func digestAt(t *testing.T, r *registrytest.Registry, repositoryAndTag string) string {
	t.Helper()
	d, err := remote.Head(r.Reference(t, repositoryAndTag), r.Remote(t.Context())...)
	if err != nil {
		t.Errorf("%s is not there: %v", repositoryAndTag, err)
		return ""
	}
	return d.Digest.String()
}
