package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

const (
	layoutFile = `{"imageLayoutVersion":"1.0.0"}`
	refName    = "org.opencontainers.image.ref.name"
	// localHost stands where a reference needs a host, since the port is another one each
	// time. It is what podman does with images that come from nowhere.
	localHost = "localhost/"
)

// index is the index.json of an OCI image layout: every manifest that was put, in that order.
// The store's writing guards it.
type index struct {
	store    *Store
	manifest v1.IndexManifest
}

func openIndex(s *Store) (*index, error) {
	x := &index{store: s, manifest: v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}}
	data, err := os.ReadFile(filepath.Join(s.dir, "index.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.writeWhole(filepath.Join(s.dir, "oci-layout"), strings.NewReader(layoutFile)); err != nil {
			return nil, err
		}
		return x, x.write(x.manifest)
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(data, &x.manifest); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	return x, nil
}

// put notes a manifest under a reference, REPOSITORY:TAG or REPOSITORY@DIGEST.
func (x *index) put(reference string, descriptor v1.Descriptor) error {
	descriptor.Annotations = map[string]string{refName: localHost + reference}
	next := x.manifest
	next.Manifests = slices.DeleteFunc(slices.Clone(next.Manifests), func(d v1.Descriptor) bool {
		return d.Annotations[refName] == localHost+reference
	})
	next.Manifests = append(next.Manifests, descriptor)
	if err := x.write(next); err != nil {
		return err
	}
	x.manifest = next
	return nil
}

func (x *index) write(manifest v1.IndexManifest) error {
	data, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	return x.store.writeWhole(filepath.Join(x.store.dir, "index.json"), bytes.NewReader(data))
}

// load puts the manifests whose names are ours into their repositories; others have no place
// in a registry.
func (s *Store) load() error {
	for _, d := range s.index.manifest.Manifests {
		name, ok := strings.CutPrefix(d.Annotations[refName], localHost)
		at := strings.LastIndex(name, "@")
		if at < 0 {
			at = strings.LastIndex(name, ":")
		}
		if !ok || at <= 0 {
			continue
		}
		d.Annotations = nil
		if err := s.loadManifest(name[:at], name[at+1:], d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (s *Store) loadManifest(repository, reference string, d v1.Descriptor) error {
	body, err := os.ReadFile(s.path(d.Digest))
	if err != nil {
		return err
	}
	got, err := server.Digest(d.Digest.Algorithm, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if got != d.Digest {
		return fmt.Errorf("%w: the file %s holds %s", registry.ErrDigestMismatch, d.Digest.Hex, got)
	}
	links, err := oci.Parse(oci.Manifest{Descriptor: d, Body: body})
	if err != nil {
		return err
	}
	for _, blob := range links.Needs() {
		if _, err := os.Stat(s.path(blob.Digest)); err == nil { // some stay where their vendor keeps them
			s.give(repository, blob.Digest)
		}
	}
	s.know(repository, reference, d, links)
	return nil
}
