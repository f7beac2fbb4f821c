package oci

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Limits bound a walk. Indexes of indexes exist; what is deeper or larger than this is an
// attack or a mistake. Each is the package's own where it is 0.
type Limits struct {
	// Depth is how many indexes may lie within one another; 4.
	Depth int
	// Manifests is how many there may be in one walk; 1000.
	Manifests int
	// Bytes is how many all of them may have, for they are held in memory; 64 MiB.
	Bytes int64
}

// The limits where none are given.
const (
	DefaultDepth     = 4
	DefaultManifests = 1000
	DefaultBytes     = 64 << 20
)

// ErrLimit: what lies below a manifest is more than any image has.
var ErrLimit = errors.New("too deep or too large")

// Node is one manifest of a walk with what it links to.
type Node struct {
	Manifest
	// Links is empty for a manifest of a type that nobody knows, which is a leaf.
	Links *Links
	// Others are what an index names and is no manifest: the layers of a build cache, for
	// example. They are blobs of its repository.
	Others []v1.Descriptor
}

// Walk goes through manifests and everything below them. Each manifest is fetched once in
// a walk, however many lead to it. Fetch and Visit are needed; the rest is ready as zero.
// It is for one goroutine at a time.
type Walk struct {
	// Fetch reads a manifest below an index; ErrSkip leaves it out. What an index names need
	// not be one: Missing tells the error that says that there is no such manifest, and the
	// child is taken for a blob.
	Fetch   func(ctx context.Context, child v1.Descriptor) (Manifest, error)
	Missing func(error) bool
	// AtOnce is how many children of an index are fetched at the same time; Fetch is called from
	// several goroutines where it is more than 1. What is visited, and the error, do not depend on it.
	AtOnce int
	// Visit is called for each manifest once, children before their parents; it ends the walk
	// with an error.
	Visit  func(Node) error
	Limits Limits
	// Bytes is how many the manifests have so far. Walks whose manifests are held in memory beside
	// one another may share it, at the same time too; nil is the walk's own.
	Bytes *atomic.Int64

	known map[v1.Hash]*known
	ahead *ahead
}

// known is a manifest that the walk has met.
type known struct {
	size int64
	// height is how many indexes lie within one another from it on.
	height int
}

// From walks from a manifest down. What an earlier call of the same walk has visited is not
// visited again, and counts once.
func (w *Walk) From(ctx context.Context, top Manifest) error {
	if w.Bytes == nil {
		w.Bytes = new(atomic.Int64)
	}
	running, cancel := context.WithCancel(ctx)
	w.ahead = &ahead{ctx: running, begun: map[v1.Hash]*fetched{}}
	defer w.ahead.under.Wait() // nothing is fetched any more that nobody wants
	defer cancel()
	return w.add(ctx, top, 0)
}

func (w *Walk) add(ctx context.Context, manifest Manifest, depth int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	digest := manifest.Descriptor.Digest
	if met, ok := w.known[digest]; ok {
		return w.bounded(digest, depth+met.height)
	}
	if w.known == nil {
		w.known = map[v1.Hash]*known{}
	}
	own := &known{size: manifest.Descriptor.Size}
	w.known[digest] = own
	w.Bytes.Add(int64(len(manifest.Body)))
	if err := w.bounded(digest, depth); err != nil {
		return err
	}
	node := Node{Manifest: manifest, Links: &Links{}}
	if IsManifest(manifest.Descriptor.MediaType) {
		var err error
		if node.Links, err = Parse(manifest); err != nil {
			return err
		}
	}
	for i, child := range node.Links.Manifests {
		w.begin(node.Links.Manifests[i:])
		err := w.child(ctx, digest, child, depth+1)
		switch {
		case err == nil:
			own.height = max(own.height, w.known[child.Digest].height+1)
		case errors.Is(err, errNoManifest):
			node.Others = append(node.Others, child)
		case errors.Is(err, ErrSkip):
		default:
			return err
		}
	}
	return w.Visit(node)
}

// ErrSkip is what Fetch returns to go on without a manifest.
var ErrSkip = errors.New("left out")

// errNoManifest: what an index names is a blob.
var errNoManifest = errors.New("no manifest")

// child walks on from what an index names.
func (w *Walk) child(ctx context.Context, index v1.Hash, child v1.Descriptor, depth int) error {
	if met, ok := w.known[child.Digest]; ok {
		return errors.Join(sameSize(index, child, met.size), w.bounded(index, depth+met.height))
	}
	if !mayBeManifest(child) {
		return errNoManifest
	}
	read, err := w.fetch(ctx, child)
	if err != nil && !IsManifest(child.MediaType) && child.MediaType != "" && w.Missing != nil && w.Missing(err) {
		return errNoManifest
	}
	if err != nil {
		return err
	}
	if err := sameSize(index, child, read.Descriptor.Size); err != nil {
		return err
	}
	return w.add(ctx, read, depth)
}

// mayBeManifest tells that what an index names does not say itself that it is a blob.
func mayBeManifest(child v1.Descriptor) bool {
	return !child.MediaType.IsLayer() && !child.MediaType.IsConfig()
}

func sameSize(index v1.Hash, child v1.Descriptor, size int64) error {
	if child.Size != size {
		return fmt.Errorf("index %s says that %s has %d bytes, it has %d", index, child.Digest, child.Size, size)
	}
	return nil
}

func (w *Walk) bounded(digest v1.Hash, depth int) error {
	limits := w.Limits.orDefault()
	switch {
	case depth > limits.Depth || len(w.known) > limits.Manifests:
		return fmt.Errorf("index %s is nested %w", digest, ErrLimit)
	case w.Bytes.Load() > limits.Bytes:
		return fmt.Errorf("the manifests are %w: they come to more than %d MiB, which no artifact needs", ErrLimit, limits.Bytes>>20)
	}
	return nil
}

func (l Limits) orDefault() Limits {
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Manifests == 0 {
		l.Manifests = DefaultManifests
	}
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	return l
}
