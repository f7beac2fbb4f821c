package plan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
)

// inventory is what is known of the target's repositories.
type inventory struct {
	target registry.Target
	blobs  *holdings.Inspector
	mu     sync.Mutex
	byName map[string]*stock
}

// stock is what is known of one repository of the target.
type stock struct {
	first sync.Mutex
	asked bool
	// fresh: the repository has no tags, so that it most likely holds nothing.
	fresh bool
}

func newInventory(target registry.Target, opts Options) *inventory {
	blobs := holdings.NewInspector(target)
	blobs.Attached = target
	if blobs.Left = opts.Left; opts.sparse() {
		blobs.Platforms = opts.Platforms
	}
	return &inventory{target: target, blobs: blobs, byName: map[string]*stock{}}
}

func (i *inventory) get(repository string) *stock {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.byName[repository] == nil {
		i.byName[repository] = &stock{}
	}
	return i.byName[repository]
}

// fresh tells whether the repository is known to have no tags.
func (i *inventory) fresh(repository string) bool {
	stock := i.get(repository)
	stock.first.Lock()
	defer stock.first.Unlock()
	return stock.fresh
}

// lookup tells what a tag or digest holds; nil where it does not exist. The first tag of a
// repository that is missing leads to a listing: where there are no tags, no other is looked
// up. Where there are some, each is, for a listing may be shorter than it should be, and
// what is not there is put without a question.
func (i *inventory) lookup(ctx context.Context, repository, tag string) (*v1.Descriptor, error) {
	if isDigest(tag) {
		return i.resolve(ctx, repository, tag) // no listing names it
	}
	stock := i.get(repository)
	stock.first.Lock()
	if stock.asked {
		stock.first.Unlock()
		if stock.fresh {
			return nil, nil
		}
		return i.resolve(ctx, repository, tag)
	}
	defer stock.first.Unlock()
	found, err := i.resolve(ctx, repository, tag)
	if err != nil {
		return nil, err
	}
	stock.asked = true
	if found != nil {
		return found, nil
	}
	tags, err := i.target.Tags(ctx, repository) // to know them is a saving: errors do not matter
	stock.fresh = errors.Is(err, registry.ErrRepositoryUnknown) || err == nil && len(tags) == 0
	if err == nil && slices.Contains(tags, tag) {
		return i.resolve(ctx, repository, tag) // it has just been said to be missing
	}
	return nil, nil
}

func isDigest(reference string) bool { return strings.Contains(reference, ":") }

func (i *inventory) resolve(ctx context.Context, repository, tag string) (*v1.Descriptor, error) {
	found, err := i.target.Resolve(ctx, repository, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// holds tells which of the blobs, which are ordered largest first, a repository holds. In a
// repository without tags only the largest and the smallest are looked for: if neither is
// there, nothing is, unless a copy was interrupted between them, and then the upload
// finds out.
func (i *inventory) holds(ctx context.Context, repository string, blobs []*Blob, each func([]*Blob, func(*Blob) error) error) (map[*Blob]bool, error) {
	var mu sync.Mutex
	found := map[*Blob]bool{}
	look := func(blob *Blob) error {
		has, err := i.blobs.HasBlob(ctx, repository, blob.Descriptor)
		mu.Lock()
		defer mu.Unlock()
		found[blob] = has
		return err
	}
	if !i.fresh(repository) || len(blobs) <= 2 {
		return found, each(blobs, look)
	}
	first, last := blobs[0], blobs[len(blobs)-1]
	if err := each([]*Blob{first, last}, look); err != nil || !found[first] && !found[last] {
		return found, err
	}
	return found, each(blobs[1:len(blobs)-1], look)
}
