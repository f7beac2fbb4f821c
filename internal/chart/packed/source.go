// Package packed holds charts as a registry would, for those that come from a file, a folder or
// a classic repository: New(nil).Add(…) makes a registry.Source that plans, copies and bundles
// read like any other.
package packed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Source serves charts from memory, and what it does not hold from another source. Use New. It is
// safe for concurrent use.
type Source struct {
	// beyond is asked for every repository that holds no chart of ours; it may be nil.
	beyond registry.Source

	mu    sync.Mutex
	tags  map[string]map[string]v1.Hash // by repository
	held  map[v1.Hash]oci.Manifest
	blobs map[v1.Hash][]byte
}

var _ registry.Source = (*Source)(nil)

// New returns a source without charts. beyond is asked for repositories that hold none; nil
// is nobody.
func New(beyond registry.Source) *Source {
	return &Source{beyond: beyond, tags: map[string]map[string]v1.Hash{}, held: map[v1.Hash]oci.Manifest{}, blobs: map[v1.Hash][]byte{}}
}

// Add puts a chart into a repository, under the tag that helm gives its version, and returns
// its manifest's descriptor. The same chart has the same digest every time.
func (s *Source) Add(repository string, c *chart.Chart, annotations map[string]string) (v1.Descriptor, error) {
	p, err := c.Pack(annotations)
	if err != nil {
		return v1.Descriptor{}, err
	}
	links, err := oci.Parse(p.Manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tags[repository] == nil {
		s.tags[repository] = map[string]v1.Hash{}
	}
	s.tags[repository][chart.Tag(c.Version())] = p.Manifest.Descriptor.Digest
	s.held[p.Manifest.Descriptor.Digest] = p.Manifest
	s.blobs[links.Config.Digest], s.blobs[links.Layers[0].Digest] = p.Config, p.Archive
	return p.Manifest.Descriptor, nil
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
	return oci.Manifest{}, missing("looking up chart", repository+":"+reference)
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

// Referrers implements registry.Source: nothing refers to a chart of ours.
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
