package lock

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// graph is manifests, which an oci.Walk has read and bounded, and the blobs that they name.
type graph struct {
	// parsed finds a manifest.
	parsed func(v1.Hash) (*oci.Links, bool)
	// left are manifests that stayed behind, though the index that is walked names them.
	left    []v1.Hash
	visited map[key]bool
	blobs   map[v1.Hash]*graphBlob
	order   []v1.Hash
	// steps is how many links were followed, and most how many may be.
	steps, most int
}

// maxSteps is how many links may be followed from all references together, those that
// repositories share counted for each: a small file could name every blob everywhere.
const maxSteps = 1 << 19

// stepsOf is that bound for artifacts whose manifests a plan has read, and bounded, each by itself: theirs
// may be as many as a lock has room for.
func stepsOf(artifacts int) int {
	const each = 1 << 10
	return max(maxSteps, each*artifacts)
}

type graphBlob struct {
	size         int64
	foreign      bool // its vendor keeps it
	repositories []string
}

// key is one manifest or blob in one repository.
type key struct {
	repository string
	digest     v1.Hash
}

func newGraph(parsed func(v1.Hash) (*oci.Links, bool), most int) *graph {
	return &graph{parsed: parsed, most: most, visited: make(map[key]bool), blobs: make(map[v1.Hash]*graphBlob)}
}

// walk notes everything below a manifest as needed by repository.
func (g *graph) walk(digest v1.Hash, repository string) error {
	at := key{repository, digest}
	if g.visited[at] {
		return nil
	}
	g.visited[at] = true
	l, ok := g.parsed(digest)
	if !ok {
		return fmt.Errorf("manifest %s is missing", digest)
	}
	blobs := l.Needs()
	if g.steps += 1 + len(blobs) + len(l.Manifests); g.steps > g.most {
		return fmt.Errorf("manifests that name more than %d others and blobs, for all repositories", g.most)
	}
	for _, d := range blobs {
		if err := g.need(d, repository); err != nil {
			return err
		}
	}
	for _, d := range l.Manifests {
		if err := g.child(d, repository); err != nil {
			return err
		}
	}
	return nil
}

// child notes what an index names, which need not be a manifest.
func (g *graph) child(d v1.Descriptor, repository string) error {
	if slices.Contains(g.left, d.Digest) {
		return nil
	}
	if !oci.IsManifest(d.MediaType) {
		if _, ok := g.parsed(d.Digest); !ok {
			return g.need(d, repository)
		}
	}
	return g.walk(d.Digest, repository)
}

func (g *graph) need(d v1.Descriptor, repository string) error {
	b, ok := g.blobs[d.Digest]
	if !ok {
		b = &graphBlob{size: d.Size, foreign: oci.IsForeign(d)}
		g.blobs[d.Digest] = b
		g.order = append(g.order, d.Digest)
	}
	if b.size != d.Size {
		return fmt.Errorf("blob %s is said to have %d and %d bytes", d.Digest, b.size, d.Size)
	}
	if at := (key{repository, d.Digest}); !g.visited[at] {
		g.visited[at] = true
		b.repositories = append(b.repositories, repository)
	}
	return nil
}

// locked are the blobs for the lock. What since holds is omitted, with the repositories
// in which the other side keeps it.
func (g *graph) locked(since *Lock) []Blob {
	held := make(map[v1.Hash]Blob)
	if since != nil {
		for _, b := range since.Blobs {
			held[b.Digest] = b
		}
	}
	all := make([]Blob, 0, len(g.order))
	for _, digest := range g.order {
		b := g.blobs[digest]
		if b.foreign {
			continue
		}
		locked := Blob{Digest: digest, Size: b.size, Repositories: b.repositories}
		if h, ok := held[digest]; ok && h.Size == locked.Size {
			locked.Omitted, locked.Repositories = true, union(b.repositories, h.Repositories)
		}
		all = append(all, locked)
	}
	return all
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
