package bundle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/dustin/go-humanize/english"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Endpoints are the two sides of a load. The source is the bundle; what a delta leaves
// out is read from the target, where held says that it is, should the target not mount it.
func (b *Bundle) Endpoints(target registry.Target, held Held) registry.Endpoints {
	var mu sync.Mutex
	hosts := make(map[string]registry.Source)
	return registry.Endpoints{
		Target: target,
		Source: func(host string) (registry.Source, error) {
			mu.Lock()
			defer mu.Unlock()
			if hosts[host] == nil {
				hosts[host] = &hostView{b, host, target, held}
			}
			return hosts[host], nil
		},
	}
}

// hostView is the bundle as one registry of those that its content comes from.
type hostView struct {
	*Bundle
	host string
	base registry.Source
	held Held
}

func (v *hostView) full(repository string) string { return v.host + "/" + repository }

func (v *hostView) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	return v.Bundle.Resolve(ctx, v.full(repository), reference)
}

func (v *hostView) Manifest(ctx context.Context, repository, reference string, _ ...types.MediaType) (oci.Manifest, error) {
	return v.Bundle.Manifest(ctx, v.full(repository), reference)
}

func (v *hostView) Tags(ctx context.Context, repository string) ([]string, error) {
	return v.Bundle.Tags(ctx, v.full(repository))
}

func (v *hostView) Blob(ctx context.Context, repository string, blob v1.Descriptor, from, to int64) (registry.Content, error) {
	home, ok := v.held[blob.Digest]
	if _, here := v.archive.Blobs[blob.Digest]; !here && ok {
		return v.base.Blob(ctx, home, blob, from, to)
	}
	return v.Bundle.Blob(ctx, v.full(repository), blob, from, to)
}

// Held tells in which of the target's repositories a blob is that a delta leaves out.
type Held map[v1.Hash]string

// ErrIncomplete: the other side does not have what a delta leaves out.
var ErrIncomplete = errors.New("the registry lacks what this delta leaves out")

// OutsideError says that a bundle would go where nothing says that it belongs.
type OutsideError struct {
	// Name is the bundle's, Repositories are where it would go.
	Name         string
	Repositories []string
}

// Error names the first of the repositories, and counts.
func (e *OutsideError) Error() string {
	text := fmt.Sprintf("bundle %s would write to %s", e.Name, e.Repositories[0])
	if more := len(e.Repositories) - 1; more > 0 {
		text += fmt.Sprintf(" and %d other repositories", more)
	}
	return text + ", outside of the folders of all known products"
}

// Confine refuses a bundle with targets outside of folders, which are those of products. Below
// a path that the user has named, which takes the folders' place, anything may go.
func (b *Bundle) Confine(folders []string, to ref.Folder) error {
	if to.Path != "" {
		return nil
	}
	if outside := b.lock.Outside(folders); len(outside) > 0 {
		return &OutsideError{Name: b.name, Repositories: outside}
	}
	return nil
}

// CheckOmitted finds, in a registry, every blob that the bundle leaves out. Nothing is
// sent. Where one is not there the error wraps ErrIncomplete.
func (b *Bundle) CheckOmitted(ctx context.Context, target holdings.BlobHolder, to ref.Folder) (Held, error) {
	var questions []holdings.BlobQuestion
	for _, blob := range b.lock.Omitted() {
		if _, here := b.archive.Blobs[blob.Digest]; !here {
			questions = append(questions, holdings.BlobQuestion{
				Blob:         v1.Descriptor{Digest: blob.Digest, Size: blob.Size},
				Repositories: b.candidates(blob, to),
			})
		}
	}
	found, err := holdings.AskBlobs(ctx, target, questions, true)
	if err != nil {
		return nil, err
	}
	held := make(Held)
	var missing []string
	for i, q := range questions {
		if len(found[i]) == 0 {
			missing = append(missing, q.Blob.Digest.String())
		} else {
			held[q.Blob.Digest] = found[i][0]
		}
	}
	if len(missing) == 0 {
		return held, nil
	}
	slices.Sort(missing)
	return nil, &registry.Error{
		Op: "loading delta", Side: registry.SideTarget, Ref: b.name + " into " + to.String(),
		Err: fmt.Errorf("%w: %s, %s the first", ErrIncomplete, english.Plural(len(missing), "blob", ""), missing[0]),
	}
}

// candidates are the repositories in which the other side may hold a blob: those that the
// lock names, as they stand there and as they come to stand below to.
func (b *Bundle) candidates(blob lock.Blob, to ref.Folder) []string {
	all := slices.Clone(blob.Repositories)
	named := make(map[string]bool)
	for _, r := range blob.Repositories {
		named[r] = true
	}
	for _, a := range b.lock.Artifacts {
		if r := a.Target.Repository; named[r] {
			all = append(all, lock.Rebase(r, a.Base, to.Path))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
