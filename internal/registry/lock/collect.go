package lock

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// Collection is what Collect found at the source.
type Collection struct {
	Content
	// Failed are artifacts that cannot be had, with the reasons.
	Failed []*plan.Artifact
	// Warnings are those of the plan.
	Warnings []string

	blobs map[v1.Hash]*plan.Blob
	// dangling is how many attachments are listed, and not there.
	dangling int
}

// Open opens the bytes of a blob at the source, from from up to to, by the rules of
// registry.Source's Blob.
func (c *Collection) Open(ctx context.Context, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	found, ok := c.blobs[blob.Digest]
	if !ok {
		return registry.Content{}, fmt.Errorf("%w: blob %s", registry.ErrNotFound, blob.Digest)
	}
	return found.Open(ctx, from, to)
}

// Located says of an error about a blob, which who reads it knows by its digest only, where that blob
// comes from.
func (c *Collection) Located(err error) error {
	var failed *registry.Error
	if !errors.As(err, &failed) || failed.Host != "" {
		return err
	}
	digest, _ := v1.NewHash(failed.Ref)
	blob, ok := c.blobs[digest]
	if !ok || len(blob.Origins) == 0 {
		return err
	}
	origin := blob.Origins[0]
	return &registry.Error{Op: failed.Op, Side: failed.Side, Host: origin.Host, Ref: origin.Of(digest), Err: failed.Err}
}

// Err is nil where every artifact was found. A bundle holds all that was selected, or is
// not written.
func (c *Collection) Err() error {
	var errs []error
	for _, a := range c.Failed {
		errs = append(errs, fmt.Errorf("%s: %w", a.Source, a.Err))
	}
	return errors.Join(errs...)
}

// Collect resolves artifacts with everything attached to them and reads their manifests.
// No blob is fetched yet. The catalogue tells which folder a target lies in; nil is the
// built-in one.
func Collect(ctx context.Context, source func(host string) (registry.Source, error), artifacts []versions.Artifact, known *versions.Catalogue, opts plan.Options) (*Collection, error) {
	if known == nil {
		known = catalogue.Builtin()
	}
	planned, err := plan.New(ctx, registry.Endpoints{Source: source, Target: nothing{}}, artifacts, opts)
	if err != nil {
		return nil, err
	}
	c := &Collection{Warnings: planned.Warnings, blobs: make(map[v1.Hash]*plan.Blob)}
	g := newGatherer(&c.Content, known)
	for _, a := range planned.Artifacts {
		if a.Err == nil && a.Incomplete != nil { // a bundle without the signatures that there may be is not what was asked for
			a.Err = a.Incomplete
		}
		if c.dangling += a.Dangling; a.Err != nil {
			c.Failed = append(c.Failed, a)
			continue
		}
		if err := g.add(a); err != nil {
			return nil, err
		}
	}
	for _, b := range planned.Blobs {
		c.blobs[b.Descriptor.Digest] = b
	}
	return c, nil
}

// nothing is a target that is empty, so that a plan for it names everything.
type nothing struct{}

var _ registry.Target = nothing{}

func (nothing) Prepare([]string) {}

func (nothing) Troubled() bool { return false }

func (nothing) InPieces() bool { return false }

func (nothing) Resolve(_ context.Context, repository, reference string) (v1.Descriptor, error) {
	return v1.Descriptor{}, notThere(repository, reference)
}

func (nothing) Manifest(_ context.Context, repository, reference string, _ ...types.MediaType) (oci.Manifest, error) {
	return oci.Manifest{}, notThere(repository, reference)
}

func (nothing) Blob(_ context.Context, repository string, blob v1.Descriptor, _, _ int64) (registry.Content, error) {
	return registry.Content{}, notThere(repository, blob.Digest.String())
}

func notThere(repository, reference string) error {
	return fmt.Errorf("%s %s: %w", repository, reference, registry.ErrNotFound)
}

// Tags says that there are none: a plan then looks up no tag and no blob.
func (nothing) Tags(context.Context, string) ([]string, error) { return nil, nil }

func (nothing) Referrers(context.Context, string, v1.Hash) ([]v1.Descriptor, error) { return nil, nil }

func (nothing) HasBlob(context.Context, string, v1.Descriptor) (bool, error) { return false, nil }

func (nothing) MountBlob(context.Context, string, v1.Descriptor, string) (bool, error) {
	return false, nil
}

func (nothing) PushBlob(context.Context, string, v1.Descriptor, registry.Body, bool) (registry.Outcome, error) {
	return 0, errors.ErrUnsupported
}

func (nothing) PushManifest(context.Context, string, string, oci.Manifest) (bool, error) {
	return false, errors.ErrUnsupported
}

func (nothing) ListReferrers(context.Context, string, v1.Hash, []v1.Descriptor) error {
	return errors.ErrUnsupported
}
