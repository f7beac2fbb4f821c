// Package standin makes a release of the default product that anybody may have: the
// vendor's own needs a token. Its images hold nothing that runs, but share layers as a
// family of images does; its chart has the values, the custom resources and the shapes
// that a relocation has to get right. Content follows from the options alone: the same
// options give the same digests, every time and everywhere.
//
//	release, err := standin.New(standin.Options{})
//	written, err := release.Push(ctx, ref.Folder{Host: "127.0.0.1:5000"})
//
// What it holds beyond the names and shapes in the catalogue is made up, and says nothing
// about the vendor's.
package standin

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// DefaultBytes is how large a release is unless Options say otherwise.
const DefaultBytes = 1_600_000

// Options say what a release holds. The zero value is all of v4.3.1, small.
type Options struct {
	// Catalogue knows the release; nil is the built-in one.
	Catalogue *versions.Catalogue
	// Release is a release of the default product; empty is v4.3.1.
	Release string
	// Versions leaves PostgreSQL versions out of the registry. The chart names all of them
	// all the same, as it does after a partial relocation.
	Versions postgres.Expression
	// Bytes is about how large the distinct layers are together; 0 is DefaultBytes.
	Bytes int64
	// CRDsInTemplates puts the CRDs among the chart's templates instead of in crds/.
	CRDsInTemplates bool
	// OperatorBinary is the path of a static executable for linux/amd64 that the operator's
	// image then runs with OperatorArgs, as a user that is not root. Without one the image
	// can be pulled but not run.
	OperatorBinary string
	OperatorArgs   []string
	// MultiArch tells of which images there is an index for amd64 and arm64; nil is none.
	MultiArch func(versions.Artifact) bool
}

// Release is a stand-in that is ready to be pushed. It is safe for concurrent use.
type Release struct {
	artifacts []artifact
}

// artifact is one artifact with its content. Its source has no host yet.
type artifact struct {
	versions.Artifact
	content remote.Taggable
}

// anywhere stands for the registry until Push names one.
var anywhere = ref.Folder{Host: "localhost"}

// New makes a release. Nothing is written; layers are made when they are read.
func New(opts Options) (*Release, error) {
	if opts.Catalogue == nil {
		opts.Catalogue = catalogue.Builtin()
	}
	if opts.Release == "" {
		opts.Release = "v4.3.1"
	}
	if opts.Bytes == 0 {
		opts.Bytes = DefaultBytes
	}
	product, err := opts.Catalogue.Product("")
	if err != nil {
		return nil, err
	}
	known, err := product.Release(opts.Release)
	if err != nil {
		return nil, err
	}
	selected, err := versions.Select(opts.Catalogue, versions.Selection{
		Releases: []string{opts.Release},
		Versions: opts.Versions,
		Source:   anywhere,
	})
	if err != nil {
		return nil, err
	}
	return newBuilder(opts, known, selected).build(selected)
}

// build makes the content of every artifact.
func (b *builder) build(selected []versions.Artifact) (*Release, error) {
	r := &Release{}
	for _, a := range selected {
		content, err := b.content(a)
		if err != nil {
			return nil, fmt.Errorf("making a stand-in of %s: %w", a.Source.Repository, err)
		}
		r.artifacts = append(r.artifacts, artifact{Artifact: a, content: content})
	}
	return r, nil
}

func (b *builder) content(a versions.Artifact) (remote.Taggable, error) {
	switch {
	case a.Role == versions.RoleChart:
		return newChart(b.opts, b.release, a)
	case b.opts.MultiArch != nil && b.opts.MultiArch(a):
		return b.index(a)
	default:
		return b.image(a, "amd64")
	}
}
