// Package memory holds content of our own making as a registry would: New(nil) and Add make a
// registry.Source that plans, copies and bundles read like any other.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Source serves content from memory, and what it does not hold from another source. Use New. It is
// safe for concurrent use.
type Source struct {
	// beyond is asked for every repository that holds nothing of ours; it may be nil.
	beyond registry.Source

	mu    sync.Mutex
	tags  map[string]map[string]v1.Hash // by repository
	held  map[v1.Hash]oci.Manifest
	blobs map[v1.Hash][]byte
}

var _ registry.Source = (*Source)(nil)

// New returns a source that holds nothing. beyond is asked for repositories that hold none; nil
// is nobody.
func New(beyond registry.Source) *Source {
	return &Source{beyond: beyond, tags: map[string]map[string]v1.Hash{}, held: map[v1.Hash]oci.Manifest{}, blobs: map[v1.Hash][]byte{}}
}

// Add puts a manifest into a repository under a tag, with what lies below it: the manifests that it
// lists, if it is an index, and the bytes of all blobs by their digests.
func (s *Source) Add(repository, tag string, top oci.Manifest, children []oci.Manifest, blobs map[v1.Hash][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tags[repository] == nil {
		s.tags[repository] = map[string]v1.Hash{}
	}
	s.tags[repository][tag] = top.Descriptor.Digest
	for _, manifest := range append(children, top) {
		s.held[manifest.Descriptor.Digest] = manifest
	}
	maps.Copy(s.blobs, blobs)
}

// Prepare implements registry.Source.
func (s *Source) Prepare(repositories []string) {
	var others []string
	for _, repository := range repositories {
		if !s.has(repository) {
			others = append(others, repository)
		}
	}
	if s.beyond != nil && len(others) > 0 {
		s.beyond.Prepare(others)
	}
}

// has tells whether a repository is one of ours.
func (s *Source) has(repository string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tags[repository] != nil
}

// elsewhere tells whether a repository is for the other source to answer.
func (s *Source) elsewhere(repository string) bool { return s.beyond != nil && !s.has(repository) }

// Resolve implements registry.Source.
func (s *Source) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	if s.elsewhere(repository) {
		return s.beyond.Resolve(ctx, repository, reference)
	}
	manifest, err := s.find(repository, reference)
	return manifest.Descriptor, err
}

// Manifest implements registry.Source.
func (s *Source) Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error) {
	if s.elsewhere(repository) {
		return s.beyond.Manifest(ctx, repository, reference, also...)
	}
	return s.find(repository, reference)
}

func (s *Source) find(repository, reference string) (oci.Manifest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	digest, tagged := s.tags[repository][reference]
	if !tagged {
		digest, _ = v1.NewHash(reference) // the zero hash is nobody's
	}
	if manifest, ok := s.held[digest]; ok && s.tags[repository] != nil {
		return manifest, nil
	}
	return oci.Manifest{}, missing("looking up content", repository+":"+reference)
}

func missing(op, ref string) error {
	return &registry.Error{Op: op, Side: registry.SideSource, Ref: ref, Err: registry.ErrNotFound}
}

// Blob implements registry.Source.
func (s *Source) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	if s.elsewhere(repository) {
		return s.beyond.Blob(ctx, repository, blob, from, to)
	}
	s.mu.Lock()
	content, ok := s.blobs[blob.Digest]
	ok = ok && s.tags[repository] != nil
	s.mu.Unlock()
	if !ok {
		return registry.Content{}, missing("reading blob", repository+"@"+blob.Digest.String())
	}
	if from < 0 || from > to || to > int64(len(content)) {
		return registry.Content{}, fmt.Errorf("reading blob %s: it has %d bytes, and not those from %d to %d", blob.Digest, len(content), from, to)
	}
	return registry.Content{ReadCloser: io.NopCloser(bytes.NewReader(content[from:to]))}, nil
}

// Tags implements registry.Source.
func (s *Source) Tags(ctx context.Context, repository string) ([]string, error) {
	if s.elsewhere(repository) {
		return s.beyond.Tags(ctx, repository)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tags[repository] == nil {
		return nil, missing("listing tags of", repository)
	}
	var tags []string
	for tag := range s.tags[repository] {
		tags = append(tags, tag)
	}
	return tags, nil
}

// Referrers implements registry.Source: nothing refers to content of ours.
func (s *Source) Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	if s.elsewhere(repository) {
		return s.beyond.Referrers(ctx, repository, digest)
	}
	return nil, nil
}

// Troubled implements registry.Source.
func (s *Source) Troubled() bool { return s.beyond != nil && s.beyond.Troubled() }

// InPieces implements registry.Source.
func (s *Source) InPieces() bool { return s.beyond != nil && s.beyond.InPieces() }
