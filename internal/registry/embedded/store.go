package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// store keeps blobs in the folder of an OCI image layout, each once, and remembers which
// repositories have them. It is safe for concurrent use.
type store struct {
	dir   string
	index *index

	mu    sync.RWMutex
	links map[link]bool
}

// link says that a repository has a blob.
type link struct {
	repository string
	blob       v1.Hash
}

func openStore(dir string) (*store, error) {
	if err := checkOurs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, err
	}
	index, err := openIndex(dir)
	if err != nil {
		return nil, err
	}
	return &store{dir: dir, index: index, links: map[link]bool{}}, nil
}

// checkOurs refuses a folder that somebody uses for something else.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return errors.New("it holds something else; name a folder that is empty or does not exist")
	}
	return nil
}

func (s *store) path(h v1.Hash) string { return filepath.Join(s.dir, "blobs", h.Algorithm, h.Hex) }

func (s *store) has(repository string, h v1.Hash) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.links[link{repository, h}]
}

func (s *store) link(repository string, blobs ...v1.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range blobs {
		s.links[link{repository, h}] = true
	}
}

// mount gives a repository the blob of another, and tells whether that has it.
func (s *store) mount(repository, from string, h v1.Hash) bool {
	if !s.has(from, h) {
		return false
	}
	s.link(repository, h)
	return true
}

// Get opens a blob of a repository.
func (s *store) Get(_ context.Context, repository string, h v1.Hash) (io.ReadCloser, error) {
	return s.open(repository, h)
}

func (s *store) open(repository string, h v1.Hash) (*os.File, error) {
	if !s.has(repository, h) {
		return nil, registry.ErrNotFound
	}
	f, err := os.Open(s.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, registry.ErrNotFound
	}
	return f, err
}

// Stat returns a blob's size.
func (s *store) Stat(_ context.Context, repository string, h v1.Hash) (int64, error) {
	f, err := s.open(repository, h)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Put keeps a blob once all of it has arrived; the reader checks its digest.
func (s *store) Put(_ context.Context, repository string, h v1.Hash, content io.ReadCloser) error {
	if err := writeWhole(s.path(h), content); err != nil {
		return err
	}
	// For an upload go-containerregistry takes ".../blobs" to be the repository's name.
	s.link(strings.TrimSuffix(repository, "/blobs"), h)
	return nil
}

// writeWhole writes a file that is there either whole or not at all.
func writeWhole(path string, content io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // has no effect once the file has its name
	if _, err := io.Copy(f, content); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
