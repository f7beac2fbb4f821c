package chart

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Fetch pulls a chart that is stored as an OCI artifact. The reference is a tag or a
// digest. Errors wrap ErrNotAChart where something else is stored there, and
// registry.ErrNotFound where nothing is.
func Fetch(ctx context.Context, source registry.Source, repository, reference string) (*Chart, error) {
	manifest, err := source.Manifest(ctx, repository, reference)
	if err != nil {
		return nil, err
	}
	layer, err := chartLayer(manifest)
	if err != nil {
		return nil, fmt.Errorf("%s:%s: %w", repository, reference, err)
	}
	archive, err := readBlob(ctx, source, repository, layer)
	if err != nil {
		return nil, err
	}
	chart, err := Parse(archive)
	if err != nil {
		return nil, fmt.Errorf("%s:%s: %w", repository, reference, err)
	}
	return chart, nil
}

// chartLayer finds the layer that holds the packed chart.
func chartLayer(manifest oci.Manifest) (v1.Descriptor, error) {
	if manifest.Descriptor.MediaType.IsIndex() {
		return v1.Descriptor{}, fmt.Errorf("%w: it is an image index", ErrNotAChart)
	}
	var parsed v1.Manifest
	if err := json.Unmarshal(manifest.Body, &parsed); err != nil {
		return v1.Descriptor{}, fmt.Errorf("%w: %w", ErrNotAChart, err)
	}
	if parsed.Config.MediaType != helmregistry.ConfigMediaType {
		return v1.Descriptor{}, fmt.Errorf("%w: its config is %q", ErrNotAChart, parsed.Config.MediaType)
	}
	for _, layer := range parsed.Layers {
		switch layer.MediaType {
		case helmregistry.ChartLayerMediaType, helmregistry.LegacyChartLayerMediaType:
			return layer, nil
		}
	}
	return v1.Descriptor{}, fmt.Errorf("%w: no layer holds a packed chart", ErrNotAChart)
}

// readBlob reads a small blob and checks it.
func readBlob(ctx context.Context, source registry.Source, repository string, blob v1.Descriptor) ([]byte, error) {
	if blob.Size > maxArchive {
		return nil, fmt.Errorf("%w: its layer of %d bytes is more than a chart can have", ErrNotAChart, blob.Size)
	}
	reader, err := source.Blob(ctx, repository, blob, 0, blob.Size)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var content bytes.Buffer
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(&content, hash), io.LimitReader(reader, maxArchive+1)); err != nil {
		return nil, fmt.Errorf("reading the chart from %s: %w", repository, err)
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); got != blob.Digest.String() {
		return nil, fmt.Errorf("reading the chart from %s: %w: got %s, want %s", repository, registry.ErrDigestMismatch, got, blob.Digest)
	}
	return content.Bytes(), nil
}
