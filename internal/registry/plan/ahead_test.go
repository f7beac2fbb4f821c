package plan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func platform(i int) v1.Platform { return v1.Platform{OS: "linux", Architecture: fmt.Sprint("a", i)} }

// pushIndex puts an index of several images and returns their digests.
func pushIndex(t *testing.T, at *registrytest.Registry, reference string) []string {
	t.Helper()
	var (
		index   v1.ImageIndex = empty.Index
		digests []string
	)
	for i := range 10 {
		image, err := random.Image(100, 1)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: new(platform(i))},
		})
	}
	if err := ggcr.WriteIndex(at.Reference(t, reference), index, at.Remote(t.Context())...); err != nil {
		t.Fatal(err)
	}
	return digests
}

// gathering answers questions after the images of an index once several are asked at the same time.
type gathering struct {
	registry.Target
	images   []string
	mu       sync.Mutex
	asked    int
	together chan struct{}
}

func (g *gathering) gather(reference string) error {
	if !slices.Contains(g.images, reference) {
		return nil
	}
	g.mu.Lock()
	if g.asked++; g.asked == 4 {
		close(g.together)
	}
	g.mu.Unlock()
	select {
	case <-g.together:
		return nil
	case <-time.After(time.Minute):
		return errors.New("the others are not asked for meanwhile")
	}
}

func (g *gathering) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	if err := g.gather(reference); err != nil {
		return v1.Descriptor{}, err
	}
	return g.Target.Resolve(ctx, repository, reference)
}

func (g *gathering) Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error) {
	if err := g.gather(reference); err != nil {
		return oci.Manifest{}, err
	}
	return g.Target.Manifest(ctx, repository, reference, also...)
}

// The images of an index are asked for at the same time, for over a long line each costs a round trip, and
// are planned in the order of the index.
func TestTheImagesOfAnIndexAreAskedForAtTheSameTime(t *testing.T) {
	at := registrytest.InProcess(t, registrytest.Options{})
	images := pushIndex(t, at, "vendor/app:v1")
	client, err := remote.New(at.Host, remote.Options{Push: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var platforms []v1.Platform
	for i := range images {
		platforms = append(platforms, platform(i))
	}
	for _, tt := range []struct {
		name, target string
		opts         plan.Options
		state        plan.State
		want         []string // manifests
	}{
		{"read", "private/app", plan.Options{}, plan.StateNew, images},
		{"checked", "vendor/app", plan.Options{Check: true}, plan.StatePresent, nil},
		{"some platforms", "vendor/app", plan.Options{Platforms: platforms, Index: plan.IndexSparse}, plan.StatePresent, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			side := &gathering{Target: client, images: images, together: make(chan struct{})}
			ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return side, nil }, Target: side}
			artifact := versions.Artifact{
				Source: ref.Reference{Host: at.Host, Repository: "vendor/app", Tag: "v1"},
				Target: ref.Reference{Host: at.Host, Repository: tt.target, Tag: "v1"},
			}
			tt.opts.WithoutAttachments = true
			planned, err := plan.New(t.Context(), ends, []versions.Artifact{artifact}, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			a := planned.Artifacts[0]
			if a.Err != nil || a.State != tt.state {
				t.Fatalf("the artifact is %s (%v), want %s", a.State, a.Err, tt.state)
			}
			var got []string
			for _, m := range a.Manifests[:max(0, len(a.Manifests)-1)] {
				got = append(got, m.Reference)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the images (-want +got):\n%s", diff)
			}
		})
	}
}
