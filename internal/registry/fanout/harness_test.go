package fanout_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/fanout"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// world is a source, whose replies with blobs are counted, and what it holds.
type world struct {
	t      *testing.T
	source *registrytest.Registry
	// behind is the same, uncounted.
	behind *registrytest.Registry
	client *remote.Client
	// blobs counts replies with blobs alone, all every request.
	blobs, all registrytest.Counter
	refs       []string
	// unique is how many bytes all distinct blobs have.
	unique int64
}

// newWorld makes images of some layers each, the first of which they have in common.
func newWorld(t *testing.T, images, layers int, size int64, wrap ...registrytest.Middleware) *world {
	t.Helper()
	w := &world{t: t}
	behind := registrytest.InProcess(t, registrytest.Options{})
	common := randomLayer(size)
	seen := map[string]bool{}
	for i := range images {
		image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		all := []v1.Layer{common}
		for range layers {
			all = append(all, randomLayer(size))
		}
		image, err := mutate.AppendLayers(image, all...)
		if err != nil {
			t.Fatal(err)
		}
		named := fmt.Sprintf("app%d:v1", i)
		behind.Push(t, named, image)
		w.refs = append(w.refs, named)
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range append(manifest.Layers, manifest.Config) {
			if !seen[d.Digest.String()] {
				seen[d.Digest.String()] = true
				w.unique += d.Size
			}
		}
	}
	w.behind = behind
	w.source = registrytest.Front(t, behind, append([]registrytest.Middleware{w.all.Wrap, w.onlyBlobs}, wrap...)...)
	w.client = client(t, w.source.Host, remote.Options{Side: registry.SideSource})
	return w
}

func (w *world) onlyBlobs(next http.Handler) http.Handler {
	counted := w.blobs.Wrap(next)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if registrytest.Classify(r).Kind == registrytest.GetBlob {
			counted.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func randomLayer(size int64) v1.Layer {
	content := make([]byte, size)
	_, _ = rand.Read(content) // never fails
	return static.NewLayer(content, types.OCILayer)
}

func client(t *testing.T, host string, opts remote.Options) *remote.Client {
	t.Helper()
	opts.CertsDirs = []string{}
	if opts.RetryTimeout == 0 {
		opts.RetryTimeout = 20 * time.Second
	}
	c, err := remote.New(host, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func toTarget(t *testing.T, host string) *remote.Client {
	return client(t, host, remote.Options{Side: registry.SideTarget, Push: true})
}

// outcome is what came of one target.
type outcome struct {
	planned *plan.Plan
	report  *transfer.Tally
	err     error
}

// copyTo copies everything to several targets at once.
func (w *world) copyTo(ctx context.Context, opts fanout.Options, targets ...registry.Target) ([]outcome, fanout.Counts) {
	w.t.Helper()
	return w.copyThen(ctx, opts, func(int) {}, targets...)
}

// copyThen tells of each target that is done.
func (w *world) copyThen(ctx context.Context, opts fanout.Options, done func(int), targets ...registry.Target) ([]outcome, fanout.Counts) {
	w.t.Helper()
	opts.Branches = len(targets)
	fan := fanout.New(ctx, func(string) (registry.Source, error) { return w.client, nil }, opts)
	defer fan.Close()
	outcomes := make([]outcome, len(targets))
	var group sync.WaitGroup
	for i, target := range targets {
		group.Go(func() {
			branch := fan.Branch(i)
			defer branch.End()
			outcomes[i] = w.copyOne(ctx, branch, target)
			done(i)
		})
	}
	group.Wait()
	return outcomes, fan.Counts()
}

func (w *world) copyOne(ctx context.Context, branch *fanout.Branch, target registry.Target) (o outcome) {
	sides := registry.Endpoints{Source: branch.Source, Target: branch.Target(target)}
	if o.planned, o.err = plan.New(ctx, sides, w.artifacts(), plan.Options{}); o.err != nil {
		return o
	}
	branch.Needs(o.planned.Blobs)
	o.report, o.err = transfer.Copy(ctx, sides, o.planned, transfer.Options{})
	return o
}

func (w *world) artifacts() []versions.Artifact {
	var all []versions.Artifact
	for _, named := range w.refs {
		repository, tag, _ := strings.Cut(named, ":")
		all = append(all, versions.Artifact{
			Source: ref.Reference{Host: w.source.Host, Repository: repository, Tag: tag},
			Target: ref.Reference{Host: "target.example.com", Repository: repository, Tag: tag},
		})
	}
	return all
}

// wantWhole wants a target to hold what the source does, to the last byte.
func (w *world) wantWhole(o outcome, target *registrytest.Registry) {
	w.t.Helper()
	if o.err != nil || o.report.Failed > 0 {
		w.t.Errorf("copying to %s: %v, report %+v, want everything copied", target.Host, o.err, o.report)
		return
	}
	want, got := w.behind.Contents(w.t), target.Contents(w.t)
	for name, digest := range want {
		if slices.Contains(w.refs, name) && got[name] != digest {
			w.t.Errorf("%s at %s is %q, want %q", name, target.Host, got[name], digest)
		}
	}
}

// wantRead wants the source to have sent each byte of a blob once.
func (w *world) wantRead(counts fanout.Counts) {
	w.t.Helper()
	if sent := w.blobs.Counts().BytesSent; sent != w.unique || counts.Bytes != w.unique {
		w.t.Errorf("the source sent %d bytes of blobs, and %d were counted, want %d", sent, counts.Bytes, w.unique)
	}
}

func targets(t *testing.T, n int, wrap ...registrytest.Middleware) (all []*registrytest.Registry, clients []registry.Target) {
	t.Helper()
	for range n {
		r := registrytest.InProcess(t, registrytest.Options{Wrap: wrap})
		all, clients = append(all, r), append(clients, toTarget(t, r.Host))
	}
	return all, clients
}

// held is a target that takes no blob until release is called.
func held(t *testing.T) (r *registrytest.Registry, target registry.Target, release func()) {
	t.Helper()
	released := make(chan struct{})
	r = registrytest.InProcess(t, registrytest.Options{})
	front := registrytest.Front(t, r, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			switch registrytest.Classify(req).Kind {
			case registrytest.PutUpload, registrytest.PatchUpload:
				<-released
			}
			next.ServeHTTP(rw, req)
		})
	})
	release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(release)
	return r, toTarget(t, front.Host), release
}
