package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Repositories lists all names, sorted.
func (s *Store) Repositories() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.repositories))
}

// Tags lists the tags of a repository, which may have none.
func (s *Store) Tags(_ context.Context, repository string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.repositories[repository]
	if r == nil {
		return nil, notFound(repository)
	}
	return slices.Sorted(maps.Keys(r.tags)), nil
}

// Referrers lists the manifests whose subject is digest; none where the repository is unknown.
func (s *Store) Referrers(_ context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.repositories[repository]
	if r == nil {
		return nil, nil
	}
	return slices.Clone(r.referrers[digest]), nil
}

// Manifest reads what reference, a tag or a digest, stands for.
func (s *Store) Manifest(_ context.Context, repository, reference string, _ ...types.MediaType) (oci.Manifest, error) {
	d, err := s.resolve(repository, reference)
	if err != nil {
		return oci.Manifest{}, err
	}
	body, err := os.ReadFile(s.path(d.Digest))
	if err != nil {
		return oci.Manifest{}, missing(err)
	}
	d.Size = int64(len(body))
	return oci.Manifest{Descriptor: d, Body: body}, nil
}

// resolve is the descriptor of what reference stands for, without its size.
func (s *Store) resolve(repository, reference string) (v1.Descriptor, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.repositories[repository]
	if r == nil {
		return v1.Descriptor{}, notFound(repository)
	}
	digest, tagged := r.tags[reference]
	if !tagged {
		digest, _ = v1.NewHash(reference) // what is no digest is found nowhere
	}
	mediaType, ok := r.manifests[digest]
	if !ok {
		return v1.Descriptor{}, notFound(repository + " " + reference)
	}
	return v1.Descriptor{MediaType: mediaType, Digest: digest}, nil
}

// Stat tells how large a blob is.
func (s *Store) Stat(_ context.Context, repository string, digest v1.Hash) (v1.Descriptor, error) {
	if !s.has(repository, digest) {
		return v1.Descriptor{}, notFound(repository + " " + digest.String())
	}
	info, err := os.Stat(s.path(digest))
	if err != nil {
		return v1.Descriptor{}, missing(err)
	}
	return v1.Descriptor{Digest: digest, Size: info.Size()}, nil
}

// Blob opens the bytes of a blob from from up to to. The caller closes it.
func (s *Store) Blob(_ context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	if !s.has(repository, blob.Digest) {
		return registry.Content{}, notFound(repository + " " + blob.Digest.String())
	}
	file, err := os.Open(s.path(blob.Digest))
	if err != nil {
		return registry.Content{}, missing(err)
	}
	return registry.Content{ReadCloser: part{io.NewSectionReader(file, from, to-from), file}}, nil
}

// part is some of a file's bytes; closing it closes the file.
type part struct {
	io.Reader
	io.Closer
}

func notFound(what string) error { return fmt.Errorf("%s: %w", what, registry.ErrNotFound) }

// missing makes a file that is gone what is not found.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(registry.ErrNotFound, err)
	}
	return err
}
