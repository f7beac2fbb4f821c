package chart

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Fetch pulls a chart that is stored as an OCI artifact, by itself or in an index, as some
// pipelines push it. The reference is a tag or a digest. Errors wrap ErrNotAChart where
// something else is stored there, and registry.ErrNotFound where nothing is.
func Fetch(ctx context.Context, source registry.Source, repository, reference string) (*Chart, error) {
	chart, err := fetch(ctx, source, repository, reference)
	return chart, registry.Located(source, "reading the chart", repository, reference, err)
}

func fetch(ctx context.Context, source registry.Source, repository, reference string) (*Chart, error) {
	manifest, err := source.Manifest(ctx, repository, reference)
	if err != nil {
		return nil, err
	}
	layer, err := packed(ctx, source, repository, manifest, 0)
	if err != nil {
		return nil, err
	}
	archive, err := readBlob(ctx, source, repository, layer)
	if err != nil {
		return nil, err
	}
	return Parse(archive)
}

// An index that holds a chart is small; these bound what is asked of any other.
const (
	maxChildren = 16
	maxNested   = 2
)

// packed finds the layer that holds the packed chart: the manifest's own, or that of the
// first chart in an index.
func packed(ctx context.Context, source registry.Source, repository string, manifest oci.Manifest, nested int) (v1.Descriptor, error) {
	links, err := oci.Parse(manifest)
	switch {
	case err != nil:
		return v1.Descriptor{}, fmt.Errorf("%w: %w", ErrNotAChart, err)
	case !manifest.Descriptor.MediaType.IsIndex():
		return PackedLayer(links)
	case nested == maxNested:
		return v1.Descriptor{}, fmt.Errorf("%w: it is an index of indexes", ErrNotAChart)
	}
	for _, child := range charts(links.Manifests) {
		inner, err := source.Manifest(ctx, repository, child.Digest.String())
		if err != nil {
			return v1.Descriptor{}, err
		}
		layer, err := packed(ctx, source, repository, inner, nested+1)
		if !errors.Is(err, ErrNotAChart) {
			return layer, err
		}
	}
	return v1.Descriptor{}, fmt.Errorf("%w: it is an index without one", ErrNotAChart)
}

// charts are the children of an index among which a chart may be, the likeliest first: those
// that say so, and those for no platform.
func charts(children []v1.Descriptor) []v1.Descriptor {
	var said, likely, others []v1.Descriptor
	for _, child := range children {
		switch {
		case child.ArtifactType == helmregistry.ConfigMediaType:
			said = append(said, child)
		case child.ArtifactType != "" || !oci.IsManifest(child.MediaType):
		case child.Platform == nil:
			likely = append(likely, child)
		default:
			others = append(others, child)
		}
	}
	all := slices.Concat(said, likely, others)
	return all[:min(len(all), maxChildren)]
}

// PackedLayer is the layer of a chart's manifest that holds the packed chart. The error wraps
// ErrNotAChart where the manifest is something else's.
func PackedLayer(links *oci.Links) (v1.Descriptor, error) {
	if links.Config == nil || links.Config.MediaType != helmregistry.ConfigMediaType {
		return v1.Descriptor{}, fmt.Errorf("%w: its config is not a chart's", ErrNotAChart)
	}
	for _, layer := range links.Layers {
		switch layer.MediaType {
		case helmregistry.ChartLayerMediaType, helmregistry.LegacyChartLayerMediaType:
			return layer, nil
		}
	}
	return v1.Descriptor{}, fmt.Errorf("%w: no layer holds a packed chart", ErrNotAChart)
}

// readBlob reads a small blob and checks it.
func readBlob(ctx context.Context, source registry.Source, repository string, blob v1.Descriptor) ([]byte, error) {
	if blob.Size > MaxArchive {
		return nil, fmt.Errorf("%w: its layer of %d bytes is more than a chart can have", ErrNotAChart, blob.Size)
	}
	reader, err := source.Blob(ctx, repository, blob, 0, blob.Size)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var content bytes.Buffer
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(&content, hash), io.LimitReader(reader, MaxArchive+1)); err != nil {
		return nil, err
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); got != blob.Digest.String() {
		return nil, fmt.Errorf("%w: got %s, want %s", registry.ErrDigestMismatch, got, blob.Digest)
	}
	return content.Bytes(), nil
}
