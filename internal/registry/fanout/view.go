package fanout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// view is a source as one branch has it.
type view struct {
	registry.Source
	branch *Branch
	host   string
}

// origin is where a blob can be read.
type origin struct {
	source     registry.Source
	repository string
}

// Resolve implements registry.Source.
func (v *view) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	return once(ctx, v, "resolve", repository, reference, func() (v1.Descriptor, error) {
		return v.Source.Resolve(ctx, repository, reference)
	})
}

// Manifest implements registry.Source.
func (v *view) Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error) {
	return once(ctx, v, "manifest", repository, reference+fmt.Sprint(also), func() (oci.Manifest, error) {
		return v.Source.Manifest(ctx, repository, reference, also...)
	})
}

// Tags implements registry.Source.
func (v *view) Tags(ctx context.Context, repository string) ([]string, error) {
	tags, err := once(ctx, v, "tags", repository, "", func() ([]string, error) {
		return v.Source.Tags(ctx, repository)
	})
	return slices.Clone(tags), err
}

// Referrers implements registry.Source.
func (v *view) Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	referrers, err := once(ctx, v, "referrers", repository, digest.String(), func() ([]v1.Descriptor, error) {
		return v.Source.Referrers(ctx, repository, digest)
	})
	return slices.Clone(referrers), err
}

// Blob implements registry.Source.
func (v *view) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	return v.branch.fan.blob(ctx, v.branch, origin{v.Source, repository}, blob, from, to)
}

// InPieces implements registry.Source: what is fetched for all is fetched in pieces already.
func (v *view) InPieces() bool { return false }

// once asks a source what no branch has asked yet.
func once[T any](ctx context.Context, v *view, op, repository, reference string, ask func() (T, error)) (T, error) {
	key := strings.Join([]string{op, v.host, repository, reference}, "\n")
	answer, err := v.branch.fan.asked.do(ctx, key, func() (any, error) { return ask() })
	result, _ := answer.(T)
	return result, err
}
