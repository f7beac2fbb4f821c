package registry

import (
	"context"
	"errors"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// lister is a target that can list tags. One that has none is asked fewer times.
type lister interface {
	Tags(ctx context.Context, repository string) ([]string, error)
}

// shelves remember what is known of the target's repositories.
type shelves struct {
	target Target
	mu     sync.Mutex
	byName map[string]*shelf
}

// shelf is one repository of the target.
type shelf struct {
	first sync.Mutex
	asked bool
	// fresh: the repository has no tags, so that it most likely holds nothing.
	fresh bool
}

func newShelves(target Target) *shelves {
	return &shelves{target: target, byName: map[string]*shelf{}}
}

func (s *shelves) get(repository string) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[repository] == nil {
		s.byName[repository] = &shelf{}
	}
	return s.byName[repository]
}

// fresh tells whether the repository is known to have no tags.
func (s *shelves) fresh(repository string) bool {
	shelf := s.get(repository)
	shelf.first.Lock()
	defer shelf.first.Unlock()
	return shelf.fresh
}

// lookup tells what a tag or digest holds; nil where it does not exist. The first tag of a
// repository that is missing leads to a listing: where there are no tags, no other is looked
// up. Where there are some, each is, for a listing may be shorter than it should be, and
// what is not there is put without a question.
func (s *shelves) lookup(ctx context.Context, repository, tag string) (*v1.Descriptor, error) {
	if isDigest(tag) {
		return s.resolve(ctx, repository, tag) // no listing names it
	}
	shelf := s.get(repository)
	shelf.first.Lock()
	if shelf.asked {
		shelf.first.Unlock()
		if shelf.fresh {
			return nil, nil
		}
		return s.resolve(ctx, repository, tag)
	}
	defer shelf.first.Unlock()
	found, err := s.resolve(ctx, repository, tag)
	if err != nil {
		return nil, err
	}
	shelf.asked = true
	if found == nil {
		shelf.fresh = s.empty(ctx, repository)
	}
	return found, nil
}

func isDigest(reference string) bool { return strings.Contains(reference, ":") }

func (s *shelves) resolve(ctx context.Context, repository, tag string) (*v1.Descriptor, error) {
	found, err := s.target.Resolve(ctx, repository, tag)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// empty tells whether the repository has no tags. To know that is only a saving: errors do not
// matter.
func (s *shelves) empty(ctx context.Context, repository string) bool {
	target, ok := s.target.(lister)
	if !ok {
		return false
	}
	tags, err := target.Tags(ctx, repository)
	return errors.Is(err, ErrRepositoryUnknown) || err == nil && len(tags) == 0
}

// holds tells which of the blobs, which are ordered largest first, a repository holds. In a
// repository without tags only the largest and the smallest are looked for: if neither is
// there, nothing is, unless a copy was interrupted between them, and then the upload
// finds out.
func (s *shelves) holds(ctx context.Context, repository string, blobs []*PlannedBlob, each func([]*PlannedBlob, func(*PlannedBlob) error) error) (map[*PlannedBlob]bool, error) {
	var mu sync.Mutex
	found := map[*PlannedBlob]bool{}
	look := func(blob *PlannedBlob) error {
		has, err := s.target.HasBlob(ctx, repository, blob.descriptor)
		mu.Lock()
		defer mu.Unlock()
		found[blob] = has
		return err
	}
	if !s.fresh(repository) || len(blobs) <= 2 {
		return found, each(blobs, look)
	}
	first, last := blobs[0], blobs[len(blobs)-1]
	if err := each([]*PlannedBlob{first, last}, look); err != nil || !found[first] && !found[last] {
		return found, err
	}
	return found, each(blobs[1:len(blobs)-1], look)
}
