package holdings

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// askAtOnce is how many questions are open at once; a client may bound them further.
const askAtOnce = 8

// Holder is as much of a registry as an inspection needs; see registry.Target.
type Holder interface {
	Resolver
	Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error)
	BlobHolder
}

// Inspector looks for blobs in the repositories of one registry, for each once, however many
// images share it. It is safe for concurrent use. Use NewInspector.
type Inspector struct {
	// Platforms are those whose images count, of indexes that may be sparse; none is all. It is
	// to be set before the first question.
	Platforms []v1.Platform
	// Left are manifests that indexes name and nobody asks for, as Platforms to be set before; nil
	// is none.
	Left map[v1.Hash]bool
	// Attached lists what is attached to something: Ask looks below that too. nil looks at nothing that
	// is attached. Named are the references, in its own repository, of what should be attached to each,
	// whatever is listed; Warn hears of what could not be looked at. All are to be set before.
	Attached Lister
	Named    map[ref.Reference][]string
	Warn     func(...string)

	registry Holder

	mu     sync.Mutex
	blobs  map[blobAt]*answer
	listed map[string]*tagList
	told   map[string]bool
}

// blobAt is a blob in a repository. One that has another size is another blob.
type blobAt struct {
	repository string
	digest     v1.Hash
	size       int64
}

type answer struct {
	once sync.Once
	has  bool
	err  error
}

// NewInspector returns an inspector of a registry. It asks nothing yet.
func NewInspector(r Holder) *Inspector {
	return &Inspector{registry: r, blobs: map[blobAt]*answer{}, listed: map[string]*tagList{}, told: map[string]bool{}}
}

// HasBlob tells whether a repository holds a blob, and asks once.
func (i *Inspector) HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error) {
	key := blobAt{repository, blob.Digest, blob.Size}
	i.mu.Lock()
	a := i.blobs[key]
	if a == nil {
		a = &answer{}
		i.blobs[key] = a
	}
	i.mu.Unlock()
	a.once.Do(func() { a.has, a.err = i.registry.HasBlob(ctx, repository, blob) })
	return a.has, a.err
}

// Missing lists what a repository lacks of an image, an index or an artifact: manifests below
// it and blobs, by digest, sorted, each once. Blobs that stay where their vendor keeps them do
// not count. reference is a tag or a digest; where there is nothing under it the error is
// registry.ErrNotFound.
func (i *Inspector) Missing(ctx context.Context, repository, reference string) ([]string, error) {
	found, err := i.find(ctx, repository, reference)
	return found.Lacks, err
}

// Found is what a repository holds of an image, an index or an artifact.
type Found struct {
	// Manifests are the digests of its manifests that are there.
	Manifests []v1.Hash
	// Lacks are the digests of what is not: manifests below it and blobs, sorted, each once. Where its
	// name leads nowhere that is the name.
	Lacks []string
}

// Look is as Missing, and takes a name that leads nowhere, or to something else, for what is gone: something
// else has named it.
func (i *Inspector) Look(ctx context.Context, repository, reference string) (Found, error) {
	found, err := i.find(ctx, repository, reference)
	if errors.Is(err, registry.ErrNotFound) || errors.Is(err, registry.ErrDigestMismatch) {
		return Found{Lacks: []string{reference}}, nil
	}
	return found, err
}

func (i *Inspector) find(ctx context.Context, repository, reference string) (Found, error) {
	below, err := i.below(ctx, repository, reference)
	if err != nil {
		return Found{}, err
	}
	lacking, err := i.lacking(ctx, repository, below.blobs)
	lacks := append(below.missing, lacking...)
	slices.Sort(lacks)
	return Found{Manifests: below.manifests, Lacks: slices.Compact(lacks)}, err
}

// Blobs are those that belong to an image, an index or an artifact, some perhaps more than once,
// as its manifests in a repository name them. Nobody asks whether they are there.
func (i *Inspector) Blobs(ctx context.Context, repository, reference string) ([]v1.Descriptor, error) {
	below, err := i.below(ctx, repository, reference)
	return slices.DeleteFunc(below.blobs, oci.IsForeign), err
}

// tree is what is below a tag or a digest: manifests, the digests of those that are missing, and the
// blobs that they name.
type tree struct {
	manifests []v1.Hash
	missing   []string
	blobs     []v1.Descriptor
}

func (i *Inspector) below(ctx context.Context, repository, reference string) (tree, error) {
	var t tree
	top, err := i.registry.Manifest(ctx, repository, reference)
	if err != nil {
		return t, err
	}
	links, err := oci.Parse(top)
	if err != nil {
		return t, err
	}
	unwanted := links.Unwanted(i.Platforms)
	var mu sync.Mutex // of t.missing
	walk := oci.Walk{
		Fetch: func(ctx context.Context, child v1.Descriptor) (oci.Manifest, error) {
			if unwanted[child.Digest] || i.Left[child.Digest] {
				return oci.Manifest{}, oci.ErrSkip
			}
			found, err := i.registry.Manifest(ctx, repository, child.Digest.String(), child.MediaType)
			if errors.Is(err, registry.ErrNotFound) && (oci.IsManifest(child.MediaType) || child.MediaType == "") {
				mu.Lock()
				defer mu.Unlock()
				t.missing = append(t.missing, child.Digest.String())
				return oci.Manifest{}, oci.ErrSkip
			}
			return found, err
		},
		Missing: func(err error) bool { return errors.Is(err, registry.ErrNotFound) },
		AtOnce:  askAtOnce,
		Visit: func(n oci.Node) error {
			t.manifests = append(t.manifests, n.Descriptor.Digest)
			t.blobs = append(append(t.blobs, n.Links.Needs()...), n.Others...)
			return nil
		},
	}
	err = walk.From(ctx, top)
	return t, err
}

// lacking are those of the blobs that the repository does not hold.
func (i *Inspector) lacking(ctx context.Context, repository string, blobs []v1.Descriptor) ([]string, error) {
	var mu sync.Mutex
	var missing []string
	err := each(ctx, len(blobs), func(ctx context.Context, n int) error {
		if oci.IsForeign(blobs[n]) {
			return nil
		}
		has, err := i.HasBlob(ctx, repository, blobs[n])
		if err == nil && !has {
			mu.Lock()
			defer mu.Unlock()
			missing = append(missing, blobs[n].Digest.String())
		}
		return err
	})
	return missing, err
}

// DamagedError says that a registry lacks some of what it has a tag for.
type DamagedError struct {
	// Missing are the digests of what is gone.
	Missing []string
}

// Error names the first of what is gone, and counts.
func (e *DamagedError) Error() string {
	const shown = 3
	text := "it lacks " + strings.Join(e.Missing[:min(shown, len(e.Missing))], ", ")
	if len(e.Missing) > shown {
		text += ", …"
	}
	return text
}
