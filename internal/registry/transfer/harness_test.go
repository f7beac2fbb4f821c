package transfer_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// startRegistry serves an empty in-process registry.
func startRegistry(t *testing.T, referrersAPI bool) string {
	t.Helper()
	server := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(referrersAPI), ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func randomLayer(t *testing.T, size int64) v1.Layer {
	t.Helper()
	content := make([]byte, size)
	_, _ = rand.Read(content) // never fails
	return static.NewLayer(content, types.OCILayer)
}

// imageOf is an OCI image with these layers.
func imageOf(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	return must[v1.Image](t)(mutate.AppendLayers(base, layers...))
}

func refTo(t *testing.T, host, rest string) name.Reference {
	t.Helper()
	return must[name.Reference](t)(name.ParseReference(host + "/" + rest))
}

// push puts an image at HOST/rest and returns its digest.
func push(t *testing.T, host, rest string, image v1.Image) v1.Hash {
	t.Helper()
	if err := ggcrremote.Write(refTo(t, host, rest), image); err != nil {
		t.Fatal(err)
	}
	return must[v1.Hash](t)(image.Digest())
}

// digestAt is what a reference stands for, empty where there is nothing.
func digestAt(t *testing.T, host, rest string) string {
	t.Helper()
	found, err := ggcrremote.Head(refTo(t, host, rest))
	if err != nil {
		return ""
	}
	return found.Digest.String()
}

// world is two registries and the clients between them.
type world struct {
	from, to string
	ends     registry.Endpoints
	out, in  registry.Traffic
}

func newWorld(t *testing.T, from, to string) *world {
	t.Helper()
	w := &world{from: from, to: to}
	source := newClient(t, from, remote.Options{Traffic: &w.out, Side: registry.SideSource})
	target := newClient(t, to, remote.Options{Traffic: &w.in, Side: registry.SideTarget, Push: true})
	w.ends = registry.Endpoints{Source: func(string) (registry.Source, error) { return source, nil }, Target: target}
	return w
}

func newClient(t *testing.T, host string, opts remote.Options) *remote.Client {
	t.Helper()
	opts.CertsDirs = []string{}
	client := must[*remote.Client](t)(remote.New(host, opts))
	t.Cleanup(client.Close)
	return client
}

// artifacts are "repository:tag"s, mirrored below mirror/.
func (w *world) artifacts(refs ...string) []versions.Artifact {
	var list []versions.Artifact
	for _, named := range refs {
		repository, tag, _ := strings.Cut(named, ":")
		list = append(list, versions.Artifact{
			Source: ref.Reference{Host: w.from, Repository: repository, Tag: tag},
			Target: ref.Reference{Host: w.to, Repository: "mirror/" + repository, Tag: tag},
		})
	}
	return list
}

func (w *world) plan(t *testing.T, opts plan.Options, refs ...string) *plan.Plan {
	t.Helper()
	return must[*plan.Plan](t)(plan.New(context.Background(), w.ends, w.artifacts(refs...), opts))
}

func (w *world) copy(t *testing.T, opts plan.Options, refs ...string) (*plan.Plan, *transfer.Tally) {
	t.Helper()
	planned := w.plan(t, opts, refs...)
	return planned, must[*transfer.Tally](t)(transfer.Copy(context.Background(), w.ends, planned, transfer.Options{}))
}

// states are the states of a plan's artifacts in one word each.
func states(planned *plan.Plan) string {
	var list []string
	for _, a := range planned.Artifacts {
		list = append(list, string(a.State))
	}
	return strings.Join(list, " ")
}

func wantStates(t *testing.T, planned *plan.Plan, want string) {
	t.Helper()
	if got := states(planned); got != want {
		for _, a := range planned.Artifacts {
			if a.Err != nil {
				t.Logf("%s: %v", a.Source, a.Err)
			}
		}
		t.Errorf("states = %q, want %q", got, want)
	}
}

func wantCopied(t *testing.T, report *transfer.Tally) {
	t.Helper()
	for _, result := range report.Results {
		if result.Err != nil {
			t.Errorf("%s: %v", result.Target, result.Err)
		}
	}
}

// tags names v0, v1, … of a repository.
func tags(repository string, count int) []string {
	var list []string
	for i := range count {
		list = append(list, fmt.Sprintf("%s:v%d", repository, i))
	}
	return list
}
