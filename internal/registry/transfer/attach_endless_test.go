package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// endless is a registry that makes up something attached to whatever it is asked about.
type endless struct {
	registry.Source
	config v1.Descriptor
	mu     sync.Mutex
	made   map[string]oci.Manifest
}

func (e *endless) Referrers(_ context.Context, _ string, subject v1.Hash) ([]v1.Descriptor, error) {
	body := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"size":%d,"digest":%q},"layers":[],"subject":{"mediaType":%[1]q,"size":1,"digest":%[5]q}}`,
		types.OCIManifestSchema1, e.config.MediaType, e.config.Size, e.config.Digest, subject)
	manifest, err := oci.New(types.OCIManifestSchema1, body)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made[manifest.Descriptor.Digest.String()] = manifest
	return []v1.Descriptor{manifest.Descriptor}, nil
}

func (e *endless) Manifest(ctx context.Context, repository, reference string, accept ...types.MediaType) (oci.Manifest, error) {
	e.mu.Lock()
	manifest, ok := e.made[reference]
	e.mu.Unlock()
	if ok {
		return manifest, nil
	}
	return e.Source.Manifest(ctx, repository, reference, accept...)
}

// TestAttachmentsToAttachmentsEnd: the image is not copied without what its registry says belongs to it.
func TestAttachmentsToAttachmentsEnd(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	image := imageOf(t, randomLayer(t, 100))
	push(t, w.from, "one:v0", image)
	honest := must[registry.Source](t)(w.ends.Source(w.from))
	source := &endless{Source: honest, config: must[*v1.Manifest](t)(image.Manifest()).Config, made: map[string]oci.Manifest{}}
	w.ends.Source = func(string) (registry.Source, error) { return source, nil }
	planned := w.plan(t, plan.Options{}, "one:v0")
	if err := planned.Artifacts[0].Err; !errors.Is(err, oci.ErrLimit) {
		t.Errorf("the error is %v, want %v", err, oci.ErrLimit)
	}
	if asked := len(source.made); asked > 20 { // each is a few requests, one after the other
		t.Errorf("%d were asked for, one attached to the other", asked)
	}
}
