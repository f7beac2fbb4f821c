package install

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// maxDepth bounds indexes in indexes.
const maxDepth = 4

// blobsOf lists the config and the layers of an image's manifest; an index has none.
func blobsOf(manifest oci.Manifest) ([]v1.Descriptor, error) {
	if manifest.Descriptor.MediaType.IsIndex() {
		return nil, nil
	}
	var parsed v1.Manifest
	if err := json.Unmarshal(manifest.Body, &parsed); err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", manifest.Descriptor.Digest, err)
	}
	return append([]v1.Descriptor{parsed.Config}, parsed.Layers...), nil
}

// missingBlobs asks for every blob of an image, of all its platforms, and returns the
// first that the repository does not hold; an empty string where all are there. Blobs that
// were seen before, in the same repository, are not asked for again.
func missingBlobs(ctx context.Context, reg Registry, repository, reference string, seen map[string]bool, depth int) (string, error) {
	manifest, err := reg.Manifest(ctx, repository, reference)
	if err != nil {
		return "", err
	}
	if manifest.Descriptor.MediaType.IsIndex() {
		return missingInIndex(ctx, reg, repository, manifest, seen, depth)
	}
	blobs, err := blobsOf(manifest)
	if err != nil {
		return "", err
	}
	for _, blob := range blobs {
		key := repository + "@" + blob.Digest.String()
		// What a manifest says to fetch elsewhere is not the registry's to have.
		if seen[key] || len(blob.URLs) > 0 {
			continue
		}
		has, err := reg.HasBlob(ctx, repository, blob)
		if err != nil {
			return "", err
		}
		if !has {
			return blob.Digest.String(), nil
		}
		seen[key] = true
	}
	return "", nil
}

func missingInIndex(ctx context.Context, reg Registry, repository string, manifest oci.Manifest, seen map[string]bool, depth int) (string, error) {
	if depth >= maxDepth {
		return "", fmt.Errorf("index %s: more than %d indexes inside each other", manifest.Descriptor.Digest, maxDepth)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(manifest.Body, &index); err != nil {
		return "", fmt.Errorf("reading index %s: %w", manifest.Descriptor.Digest, err)
	}
	for _, child := range index.Manifests {
		missing, err := missingBlobs(ctx, reg, repository, child.Digest.String(), seen, depth+1)
		if missing != "" || err != nil {
			return missing, err
		}
	}
	return "", nil
}
