package embedded

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
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	layoutFile = `{"imageLayoutVersion":"1.0.0"}`
	refName    = "org.opencontainers.image.ref.name"
	// localHost stands where a reference needs a host, since the port is another one each
	// time. It is what podman does with images that come from nowhere.
	localHost = "localhost/"
)

// index is the index.json of an OCI image layout: every manifest that was put, in that
// order, so that what an index refers to stands before it.
type index struct {
	dir string

	mu       sync.Mutex
	manifest v1.IndexManifest
}

func openIndex(dir string) (*index, error) {
	x := &index{dir: dir, manifest: v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}}
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := writeWhole(filepath.Join(dir, "oci-layout"), strings.NewReader(layoutFile)); err != nil {
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
	x.mu.Lock()
	defer x.mu.Unlock()
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
	return writeWhole(filepath.Join(x.dir, "index.json"), bytes.NewReader(data))
}

// entry is a manifest of the index with its place.
type entry struct {
	repository, reference string
	descriptor            v1.Descriptor
}

// entries are the manifests whose names are ours; others have no place in a registry.
func (x *index) entries() []entry {
	var all []entry
	for _, d := range x.manifest.Manifests {
		name, ok := strings.CutPrefix(d.Annotations[refName], localHost)
		if !ok {
			continue
		}
		at := strings.LastIndex(name, "@")
		if at < 0 {
			at = strings.LastIndex(name, ":")
		}
		if at > 0 {
			all = append(all, entry{repository: name[:at], reference: name[at+1:], descriptor: d})
		}
	}
	return all
}
