package bundle

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Content is everything that a bundle shall hold, known before its first byte is
// written: that is what lets the blobs arrive in any order, each in its place.
type Content struct {
	Artifacts   []LockedArtifact
	Attachments []LockedAttachment
	// Manifests are those of artifacts and attachments with everything below them, once
	// each, in any order.
	Manifests []oci.Manifest
	// Since leaves out the blobs that it names; nil leaves out nothing.
	Since *Lock
	// Sign makes the signature of the lock that goes into the bundle; it may be nil.
	Sign func(lock []byte) ([]byte, error)
}

// lock works out the blobs from the manifests, and the repositories that need them.
func (c *Content) lock() (*Lock, error) {
	parsed, err := c.parse()
	if err != nil {
		return nil, err
	}
	g := newGraph(func(digest v1.Hash) (*links, bool) {
		l, ok := parsed[digest]
		return l, ok
	})
	for _, a := range c.Artifacts {
		if err := g.walk(a.Digest, a.Target.Repository); err != nil {
			return nil, fmt.Errorf("%s: %w", a.Source, err)
		}
	}
	for _, a := range c.Attachments {
		if err := g.walk(a.Digest, a.Target.Repository); err != nil {
			return nil, fmt.Errorf("%s: %w", a.Source, err)
		}
	}
	return &Lock{
		Schema:      LockSchema,
		Artifacts:   slices.Clone(c.Artifacts),
		Attachments: slices.Clone(c.Attachments),
		Blobs:       g.locked(c.Since),
	}, nil
}

// parse reads the manifests, and holds each against its digest.
func (c *Content) parse() (map[v1.Hash]*links, error) {
	all := make(map[v1.Hash]*links)
	for _, m := range c.Manifests {
		h, err := v1.Hasher(m.Descriptor.Digest.Algorithm)
		if err != nil {
			return nil, err
		}
		h.Write(m.Body)
		if got := digest(h, m.Descriptor); got != m.Descriptor.Digest {
			return nil, fmt.Errorf("manifest %s: %w: the content has %s", m.Descriptor.Digest, registry.ErrDigestMismatch, got)
		}
		l, err := parseLinks(m.Body)
		if err != nil {
			return nil, fmt.Errorf("manifest %s: %w", m.Descriptor.Digest, err)
		}
		all[m.Descriptor.Digest] = l
	}
	return all, nil
}

// graph is manifests and the blobs that they name.
type graph struct {
	// parsed finds a manifest.
	parsed  func(v1.Hash) (*links, bool)
	visited map[place]bool
	blobs   map[v1.Hash]*graphBlob
	order   []v1.Hash
	// steps is how many links were followed.
	steps int
}

// maxSteps is how many links may be followed from all references together, those that
// repositories share counted for each: a small file could name every blob everywhere.
const maxSteps = 1 << 19

type graphBlob struct {
	descriptor   v1.Descriptor
	repositories []string
}

// place is one manifest or blob in one repository.
type place struct {
	repository string
	digest     v1.Hash
}

func newGraph(parsed func(v1.Hash) (*links, bool)) *graph {
	return &graph{parsed: parsed, visited: make(map[place]bool), blobs: make(map[v1.Hash]*graphBlob)}
}

// walk notes everything below a manifest as needed by repository.
func (g *graph) walk(digest v1.Hash, repository string) error {
	at := place{repository, digest}
	if g.visited[at] {
		return nil
	}
	g.visited[at] = true
	l, ok := g.parsed(digest)
	if !ok {
		return fmt.Errorf("manifest %s is missing", digest)
	}
	blobs := l.blobs()
	if g.steps += 1 + len(blobs) + len(l.Manifests); g.steps > maxSteps {
		return fmt.Errorf("manifests that name more than %d others and blobs, for all repositories", maxSteps)
	}
	for _, d := range blobs {
		if err := g.need(d, repository); err != nil {
			return err
		}
	}
	for _, d := range l.Manifests {
		if err := g.walk(d.Digest, repository); err != nil {
			return err
		}
	}
	return nil
}

func (g *graph) need(d v1.Descriptor, repository string) error {
	b, ok := g.blobs[d.Digest]
	if !ok {
		b = &graphBlob{descriptor: d}
		g.blobs[d.Digest] = b
		g.order = append(g.order, d.Digest)
	}
	if b.descriptor.Size != d.Size {
		return fmt.Errorf("blob %s is said to have %d and %d bytes", d.Digest, b.descriptor.Size, d.Size)
	}
	if at := (place{repository, d.Digest}); !g.visited[at] {
		g.visited[at] = true
		b.repositories = append(b.repositories, repository)
	}
	return nil
}

// locked are the blobs for the lock. What since holds is omitted, with the repositories
// in which the other side keeps it.
func (g *graph) locked(since *Lock) []LockedBlob {
	held := make(map[v1.Hash]LockedBlob)
	if since != nil {
		for _, b := range since.Blobs {
			held[b.Digest] = b
		}
	}
	var all []LockedBlob
	for _, digest := range g.order {
		b := g.blobs[digest]
		if mayBeAbsent(b.descriptor) {
			continue
		}
		locked := LockedBlob{Digest: digest, Size: b.descriptor.Size, Repositories: b.repositories}
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
