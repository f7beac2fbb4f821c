package referrers

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// tagOf is where the distribution specification keeps referrers for registries
// without the API.
func tagOf(digest v1.Hash) string { return digest.Algorithm + "-" + digest.Hex }

func (l *Lister) byTag(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	tag := tagOf(digest)
	if !l.mayHaveTag(repository, tag) {
		return nil, nil
	}
	manifest, err := l.manifests.Manifest(ctx, repository, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return indexEntries(manifest.Body)
}

// Add lists what refers to a subject in its referrers tag, as the distribution
// specification asks of whoever pushes to a registry without the API.
func (l *Lister) Add(ctx context.Context, repository string, subject v1.Hash, referrers []v1.Descriptor) error {
	tag := tagOf(subject)
	l.subjects.Lock()
	defer l.subjects.Unlock()
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	existing, err := l.manifests.Manifest(ctx, repository, tag)
	switch {
	case errors.Is(err, registry.ErrNotFound):
	case err != nil:
		return err
	default:
		if err := jsonlimit.Unmarshal(existing.Body, &index); err != nil {
			return l.client.Failure(transport.Request{Op: "reading the referrers", Ref: l.client.Host() + "/" + repository + ":" + tag}, err)
		}
	}
	before := len(index.Manifests)
	for _, referrer := range referrers {
		if !slices.ContainsFunc(index.Manifests, func(d v1.Descriptor) bool { return d.Digest == referrer.Digest }) {
			index.Manifests = append(index.Manifests, referrer)
		}
	}
	if len(index.Manifests) == before {
		return nil
	}
	updated, err := newIndex(index)
	if err != nil {
		return err
	}
	_, err = l.manifests.PushManifest(ctx, repository, tag, updated)
	return err
}

func newIndex(index v1.IndexManifest) (oci.Manifest, error) {
	body, err := json.Marshal(index)
	if err != nil {
		return oci.Manifest{}, err
	}
	return oci.New(types.OCIImageIndex, body)
}
