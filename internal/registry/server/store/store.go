// Package store keeps what is pushed to a registry in a folder: an OCI image layout, which
// other tools read too. It is for the demonstration and for tests, and has the habits that a
// copy meets elsewhere: blobs belong to repositories, and are mounted from one into another.
//
//	s, err := store.Open(dir)
//	defer s.Close()
//	... server.NewWritable(s) ...
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

var _ server.Writable = (*Store)(nil)

// ErrInUse is that another Store has the folder open, in this process or in another.
var ErrInUse = errors.New("another registry is using it")

// Store is a folder with a registry's content. It is safe for concurrent use, and has the folder
// for itself until it is closed.
type Store struct {
	dir  string
	lock *os.File

	// writing is held while a manifest is put: the index tells what its readers see.
	writing sync.Mutex
	index   *index

	mu           sync.RWMutex
	repositories map[string]*repository
}

// repository is what a repository has. It has no bytes: those are in the folder.
type repository struct {
	blobs     map[v1.Hash]bool
	manifests map[v1.Hash]types.MediaType
	tags      map[string]v1.Hash
	referrers map[v1.Hash][]v1.Descriptor
}

// Open opens a folder, which is made if it is missing. What it holds must be a registry's
// content, or nothing; ErrInUse where another has it open.
func Open(dir string) (*Store, error) {
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the registry in %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("no folder is named")
	}
	if err := checkOurs(dir); err != nil {
		return nil, err
	}
	s := &Store{dir: dir, repositories: map[string]*repository{}}
	if err := s.take(); err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// take makes the folder if it is missing, and keeps others out: they would clear away what arrives.
func (s *Store) take() (err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if s.lock, err = os.Open(s.dir); err != nil {
		return err
	}
	if err := files.Lock(s.lock); err != nil {
		return errors.Join(ErrInUse, s.lock.Close())
	}
	return nil
}

func (s *Store) read() (err error) {
	if err := s.clear(); err != nil {
		return err
	}
	if s.index, err = openIndex(s); err != nil {
		return err
	}
	return s.load()
}

// checkOurs refuses a folder that somebody uses for something else.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == arriving })) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return errors.New("it holds something else; name a folder that is empty or does not exist")
	}
	return nil
}

// clear makes room for what arrives, without what is left there of an earlier process.
func (s *Store) clear() error {
	return errors.Join(
		os.RemoveAll(s.arriving()),
		os.MkdirAll(filepath.Join(s.dir, "blobs", "sha256"), 0o755),
		os.MkdirAll(s.arriving(), 0o755),
	)
}

// Close removes what has not arrived in full, and lets others have the folder. The Store may not
// be used after it, but closed again.
func (s *Store) Close() error {
	if s.lock == nil {
		return nil
	}
	removed := os.RemoveAll(s.arriving())
	closed := s.lock.Close()
	s.lock = nil
	return errors.Join(removed, closed)
}

// arriving is where files are until they are whole.
const arriving = ".arriving"

func (s *Store) arriving() string { return filepath.Join(s.dir, arriving) }

// path is where content has its place.
func (s *Store) path(h v1.Hash) string { return filepath.Join(s.dir, "blobs", h.Algorithm, h.Hex) }

// has tells whether a repository has a blob.
func (s *Store) has(repository string, blob v1.Hash) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.repositories[repository]
	return r != nil && r.blobs[blob]
}

// change lets do change a repository, which is made if it is missing.
func (s *Store) change(name string, do func(*repository)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repositories[name]
	if r == nil {
		r = &repository{
			blobs: map[v1.Hash]bool{}, manifests: map[v1.Hash]types.MediaType{},
			tags: map[string]v1.Hash{}, referrers: map[v1.Hash][]v1.Descriptor{},
		}
		s.repositories[name] = r
	}
	do(r)
}
