package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

// Mount gives a repository the blob of another; where from is empty, of any.
func (s *Store) Mount(_ context.Context, repository string, blob v1.Hash, from string) (bool, error) {
	sources := []string{from}
	if from == "" {
		sources = s.Repositories()
	}
	if !slices.ContainsFunc(sources, func(name string) bool { return s.has(name, blob) }) {
		return false, nil
	}
	s.give(repository, blob)
	return true, nil
}

func (s *Store) give(name string, blobs ...v1.Hash) {
	s.change(name, func(r *repository) {
		for _, h := range blobs {
			r.blobs[h] = true
		}
	})
}

// PutManifest keeps a manifest under its digest and under reference. Its file and its place in
// the index are written before anybody can see it.
func (s *Store) PutManifest(_ context.Context, repository, reference string, manifest oci.Manifest, links *oci.Links) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.complete(repository, links); err != nil {
		return err
	}
	if err := s.writeWhole(s.path(manifest.Descriptor.Digest), bytes.NewReader(manifest.Body)); err != nil {
		return err
	}
	name := repository + ":" + reference
	if strings.Contains(reference, ":") {
		name = repository + "@" + reference
	}
	if err := s.index.put(name, manifest.Descriptor); err != nil {
		return err
	}
	s.know(repository, reference, manifest.Descriptor, links)
	return nil
}

// complete tells whether a repository has what a manifest refers to.
func (s *Store) complete(name string, links *oci.Links) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.repositories[name]
	if r == nil {
		r = &repository{}
	}
	for _, d := range links.Needs() {
		if !oci.IsForeign(d) && !r.blobs[d.Digest] {
			return &server.MissingError{Digest: d.Digest}
		}
	}
	for _, d := range links.Manifests {
		if _, ok := r.manifests[d.Digest]; !ok && (d.MediaType.IsImage() || d.MediaType.IsIndex()) {
			return &server.MissingError{Digest: d.Digest}
		}
	}
	return nil
}

// know adds a manifest to what a repository has.
func (s *Store) know(name, reference string, d v1.Descriptor, links *oci.Links) {
	s.change(name, func(r *repository) {
		r.manifests[d.Digest] = d.MediaType
		if !strings.Contains(reference, ":") {
			r.tags[reference] = d.Digest
		}
		if links.Subject == nil {
			return
		}
		listed := r.referrers[links.Subject.Digest]
		if !slices.ContainsFunc(listed, func(other v1.Descriptor) bool { return other.Digest == d.Digest }) {
			r.referrers[links.Subject.Digest] = append(listed, links.Referrer(d))
		}
	})
}

// Receive makes room for a blob that is yet to arrive.
func (s *Store) Receive(context.Context) (server.Incoming, error) {
	file, err := os.CreateTemp(s.arriving(), "blob-*")
	if err != nil {
		return nil, err
	}
	return &incoming{store: s, file: file}, nil
}

// incoming is a blob that arrives in a file of its own.
type incoming struct {
	store *Store
	file  *os.File
	size  int64
	ended bool
}

// Write writes behind what is there.
func (i *incoming) Write(p []byte) (int, error) {
	n, err := i.file.Write(p)
	i.size += int64(n)
	return n, err
}

// Size is how many bytes have been written.
func (i *incoming) Size() int64 { return i.size }

// Keep checks what lies on the disk, and gives it its place and to the repository.
func (i *incoming) Keep(_ context.Context, repository string, digest v1.Hash) error {
	defer i.Discard()
	if _, err := i.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got, err := server.Digest(digest.Algorithm, i.file)
	if err != nil {
		return err
	}
	if got != digest {
		return fmt.Errorf("%w: it is %s", registry.ErrDigestMismatch, got)
	}
	if err := place(i.file, i.store.path(digest)); err != nil {
		return err
	}
	i.store.give(repository, digest)
	return nil
}

// Discard removes the file. After Keep, or a second time, it does nothing.
func (i *incoming) Discard() {
	if i.ended {
		return
	}
	i.ended = true
	i.file.Close()
	_ = os.Remove(i.file.Name())
}

// writeWhole writes a file that is there either whole or not at all.
func (s *Store) writeWhole(path string, content io.Reader) error {
	file, err := os.CreateTemp(s.arriving(), "file-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // has no effect once the file has its name
	if _, err := io.Copy(file, content); err != nil {
		file.Close()
		return err
	}
	return place(file, path)
}

// place closes a file that is whole and gives it its name.
func place(file *os.File, path string) error {
	if err := errors.Join(file.Chmod(0o644), file.Close(), os.MkdirAll(filepath.Dir(path), 0o755)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(file.Name(), path)
}
