package oci

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// indexOf puts an index of images, and whatever else it is to name, as "top".
func (m *manifestSource) indexOf(t *testing.T, images int, also ...v1.Descriptor) {
	t.Helper()
	index := v1.IndexManifest{}
	for i := range images {
		child := image(1)
		child.Annotations = map[string]string{"number": fmt.Sprint(i)}
		index.Manifests = append(index.Manifests, m.put(t, fmt.Sprint(i), types.OCIManifestSchema1, child).Descriptor)
	}
	index.Manifests = append(index.Manifests, also...)
	m.put(t, "top", types.OCIImageIndex, index)
}

// The children of an index are fetched at the same time, as many as may be, and visited in their order.
func TestChildrenAreFetchedAtTheSameTime(t *testing.T) {
	const atOnce = 4
	source := &manifestSource{}
	source.indexOf(t, 10)
	var (
		mu          sync.Mutex
		under, most int
		together    = make(chan struct{})
		visited     []v1.Hash
	)
	walk := Walk{
		AtOnce: atOnce,
		Fetch: func(_ context.Context, child v1.Descriptor) (Manifest, error) {
			mu.Lock()
			if under++; under == atOnce && most < atOnce {
				close(together)
			}
			most = max(most, under)
			mu.Unlock()
			defer func() { mu.Lock(); under--; mu.Unlock() }()
			select {
			case <-together:
			case <-time.After(time.Minute):
				return Manifest{}, errors.New("the others are not fetched meanwhile")
			}
			return source.manifest(child.Digest.String())
		},
		Visit: func(n Node) error { visited = append(visited, n.Descriptor.Digest); return nil },
	}
	top, want := source.manifests["top"], []v1.Hash(nil)
	if err := walk.From(t.Context(), top); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		want = append(want, source.manifests[fmt.Sprint(i)].Descriptor.Digest)
	}
	if diff := cmp.Diff(append(want, top.Descriptor.Digest), visited); diff != "" {
		t.Errorf("the visits (-want +got):\n%s", diff)
	}
	if most > atOnce {
		t.Errorf("%d were fetched at once, want %d at most", most, atOnce)
	}
}

// Each manifest is fetched once, though it lies below a child as well as beside it.
func TestWhatIsFetchedAheadIsFetchedOnce(t *testing.T) {
	source := &manifestSource{}
	shared := source.put(t, "shared", types.OCIManifestSchema1, image(1)).Descriptor
	inner := source.put(t, "inner", types.OCIImageIndex, v1.IndexManifest{Manifests: []v1.Descriptor{shared, shared}}).Descriptor
	source.indexOf(t, 2, inner, shared, inner)
	var (
		mu      sync.Mutex
		fetched = map[v1.Hash]int{}
		visits  int
	)
	walk := Walk{
		AtOnce: 8,
		Fetch: func(_ context.Context, child v1.Descriptor) (Manifest, error) {
			mu.Lock()
			fetched[child.Digest]++
			mu.Unlock()
			return source.manifest(child.Digest.String())
		},
		Visit: func(Node) error { visits++; return nil },
	}
	if err := walk.From(t.Context(), source.manifests["top"]); err != nil {
		t.Fatal(err)
	}
	for digest, times := range fetched {
		if times != 1 {
			t.Errorf("%s was fetched %d times, want once", digest, times)
		}
	}
	if len(fetched) != 4 || visits != 5 {
		t.Errorf("%d manifests were fetched and %d visited, want 4 and 5", len(fetched), visits)
	}
}

// The first error in the order of an index ends a walk, whichever comes first in time; nothing is under
// way any more when it has ended.
func TestTheFirstErrorInOrderEndsAWalk(t *testing.T) {
	source := &manifestSource{}
	source.indexOf(t, 8)
	first, later := errors.New("the first"), errors.New("one that came earlier")
	failed := make(chan struct{})
	under := 0
	var mu sync.Mutex
	walk := Walk{
		AtOnce: 8,
		Fetch: func(ctx context.Context, child v1.Descriptor) (Manifest, error) {
			mu.Lock()
			under++
			mu.Unlock()
			defer func() { mu.Lock(); under--; mu.Unlock() }()
			switch child.Digest {
			case source.manifests["2"].Descriptor.Digest:
				<-failed
				return Manifest{}, first
			case source.manifests["3"].Descriptor.Digest:
				defer close(failed)
				return Manifest{}, later
			case source.manifests["7"].Descriptor.Digest:
				<-ctx.Done() // it hears that nobody wants it any more
				return Manifest{}, ctx.Err()
			}
			return source.manifest(child.Digest.String())
		},
		Visit: func(Node) error { return nil },
	}
	if err := walk.From(t.Context(), source.manifests["top"]); !errors.Is(err, first) {
		t.Errorf("From() = %v, want %v", err, first)
	}
	if under != 0 {
		t.Errorf("%d are still being fetched", under)
	}
}

// Of what is more than any image has, hardly more is fetched than the walk comes to.
func TestNothingIsFetchedBeyondTheLimits(t *testing.T) {
	source := &manifestSource{}
	source.indexOf(t, 40)
	var (
		mu      sync.Mutex
		fetched int
	)
	walk := Walk{
		AtOnce: 8, Limits: Limits{Manifests: 10},
		Fetch: func(_ context.Context, child v1.Descriptor) (Manifest, error) {
			mu.Lock()
			fetched++
			mu.Unlock()
			return source.manifest(child.Digest.String())
		},
		Visit: func(Node) error { return nil },
	}
	if err := walk.From(t.Context(), source.manifests["top"]); !errors.Is(err, ErrLimit) {
		t.Errorf("From() = %v, want %v", err, ErrLimit)
	}
	if fetched > 10 {
		t.Errorf("%d manifests were fetched, want the 10 that the walk comes to", fetched)
	}
}
