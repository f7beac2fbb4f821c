package registry

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// node is one manifest to put, under a tag or under its digest.
type node struct {
	manifest  Manifest
	reference string
	blobs     []v1.Descriptor
	attached  bool // it belongs to the artifact and is no part of it
}

// Indexes of indexes exist; what is deeper or larger than this is an attack or a mistake.
const (
	mostDepth         = 4
	mostManifests     = 1000
	mostManifestBytes = 64 << 20 // of one artifact: they are held in memory until they are put
	mostBlobBytes     = 1 << 44
)

// tree reads a manifest with everything below it.
type tree struct {
	source     Source
	repository string
	platform   *v1.Platform
	nodes      []node // children before parents
	seen       map[v1.Hash]bool
	bytes      int64 // of manifests, those of the artifact's other trees included
	warnings   []string
}

// read adds the manifest that reference stands for, under that reference.
func (t *tree) read(ctx context.Context, reference string) (Manifest, error) {
	manifest, err := t.source.Manifest(ctx, t.repository, reference)
	if err != nil {
		return Manifest{}, err
	}
	if manifest.Descriptor.MediaType.IsIndex() && t.platform != nil {
		return t.narrow(ctx, manifest, reference)
	}
	return manifest, t.add(ctx, manifest, reference, 0)
}

func (t *tree) add(ctx context.Context, manifest Manifest, reference string, depth int) error {
	if t.seen == nil {
		t.seen = map[v1.Hash]bool{}
	}
	t.seen[manifest.Descriptor.Digest] = true
	if depth > mostDepth || len(t.seen) > mostManifests {
		return fmt.Errorf("index %s is nested too deep or too large", manifest.Descriptor.Digest)
	}
	if t.bytes += int64(len(manifest.Body)); t.bytes > mostManifestBytes {
		return fmt.Errorf("the manifests come to more than %d MiB, which no artifact needs", mostManifestBytes>>20)
	}
	if manifest.Descriptor.MediaType.IsIndex() {
		if err := t.children(ctx, manifest, depth); err != nil {
			return err
		}
		t.nodes = append(t.nodes, node{manifest: manifest, reference: reference})
		return nil
	}
	blobs, err := t.blobs(manifest)
	if err != nil {
		return err
	}
	t.nodes = append(t.nodes, node{manifest: manifest, reference: reference, blobs: blobs})
	return nil
}

func (t *tree) children(ctx context.Context, manifest Manifest, depth int) error {
	index, err := parseIndex(manifest)
	if err != nil {
		return err
	}
	for _, child := range index.Manifests {
		if t.seen[child.Digest] {
			continue
		}
		read, err := t.source.Manifest(ctx, t.repository, child.Digest.String())
		if err != nil {
			return err
		}
		if read.Descriptor.Size != child.Size {
			return fmt.Errorf("index %s says that %s has %d bytes, it has %d",
				manifest.Descriptor.Digest, child.Digest, child.Size, read.Descriptor.Size)
		}
		if err := t.add(ctx, read, child.Digest.String(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// narrow puts the one image for the platform where the index would stand.
func (t *tree) narrow(ctx context.Context, manifest Manifest, reference string) (Manifest, error) {
	index, err := parseIndex(manifest)
	if err != nil {
		return Manifest{}, err
	}
	for _, child := range index.Manifests {
		if child.Platform == nil || !child.Platform.Satisfies(*t.platform) {
			continue
		}
		read, err := t.source.Manifest(ctx, t.repository, child.Digest.String())
		if err != nil {
			return Manifest{}, err
		}
		return read, t.add(ctx, read, reference, 1)
	}
	return Manifest{}, fmt.Errorf("no image for platform %s in the index", t.platform)
}

func parseIndex(manifest Manifest) (*v1.IndexManifest, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(manifest.Body, &index); err != nil {
		return nil, fmt.Errorf("reading index %s: %w", manifest.Descriptor.Digest, err)
	}
	return &index, unambiguous(manifest)
}

// unambiguous refuses a manifest that is an image to one reader and an index to another, as
// the image specification asks: what was copied would not be what is pulled.
func unambiguous(manifest Manifest) error {
	var fields struct {
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		Manifests json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(manifest.Body, &fields); err != nil {
		return fmt.Errorf("reading manifest %s: %w", manifest.Descriptor.Digest, err)
	}
	image, index := fields.Config != nil || fields.Layers != nil, fields.Manifests != nil
	if is := manifest.Descriptor.MediaType; is.IsIndex() && image || !is.IsIndex() && index {
		return fmt.Errorf("manifest %s is of type %s, and has the fields of another", manifest.Descriptor.Digest, is)
	}
	return nil
}

// blobs lists what an image's manifest needs, each once.
func (t *tree) blobs(manifest Manifest) ([]v1.Descriptor, error) {
	var image v1.Manifest
	if err := json.Unmarshal(manifest.Body, &image); err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", manifest.Descriptor.Digest, err)
	}
	if err := unambiguous(manifest); err != nil {
		return nil, err
	}
	var list []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, blob := range append([]v1.Descriptor{image.Config}, image.Layers...) {
		if err := checkBlob(blob); err != nil {
			return nil, fmt.Errorf("manifest %s: %w", manifest.Descriptor.Digest, err)
		}
		if isForeign(blob.MediaType) {
			t.warnings = append(t.warnings, fmt.Sprintf(
				"layer %s of %s is non-distributable: it stays where its vendor keeps it", blob.Digest, t.repository))
			continue
		}
		if !seen[blob.Digest] {
			seen[blob.Digest] = true
			list = append(list, blob)
		}
	}
	return list, nil
}

// isForeign tells layers that their vendor does not let anyone else distribute.
func isForeign(mediaType types.MediaType) bool {
	return !mediaType.IsDistributable()
}

func checkBlob(blob v1.Descriptor) error {
	if _, err := v1.Hasher(blob.Digest.Algorithm); err != nil {
		return err
	}
	if blob.Size < 0 || blob.Size > mostBlobBytes {
		return fmt.Errorf("blob %s: absurd size %d", blob.Digest, blob.Size)
	}
	return nil
}
