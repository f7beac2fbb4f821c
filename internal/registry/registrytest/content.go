package registrytest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Reference is REPOSITORY:TAG or REPOSITORY@DIGEST at this registry.
func (r *Registry) Reference(tb testing.TB, repositoryAndTag string) name.Reference {
	tb.Helper()
	ref, err := name.ParseReference(r.Host+"/"+repositoryAndTag, r.nameOptions()...)
	if err != nil {
		tb.Fatal(err)
	}
	return ref
}

// Remote are the options that let go-containerregistry's remote reach the registry with
// its first account, or with another one.
func (r *Registry) Remote(ctx context.Context, as ...Account) []remote.Option {
	keychain := r.Keychain()
	if len(as) > 0 {
		keychain = Keychain{r.Host: as[0]}
	}
	return []remote.Option{
		remote.WithContext(ctx), remote.WithTransport(r.transport), remote.WithAuthFromKeychain(keychain),
	}
}

// Push puts an image, an index or anything else with a manifest under REPOSITORY:TAG, with
// all that belongs to it, and returns its digest.
func (r *Registry) Push(tb testing.TB, repositoryAndTag string, content remote.Taggable) v1.Hash {
	tb.Helper()
	ref := r.Reference(tb, repositoryAndTag)
	var err error
	switch content := content.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, content, r.Remote(tb.Context())...)
	case v1.Image:
		err = remote.Write(ref, content, r.Remote(tb.Context())...)
	default:
		err = remote.Put(ref, content, r.Remote(tb.Context())...)
	}
	if err != nil {
		tb.Fatalf("pushing %s: %v", ref, err)
	}
	return r.Digest(tb, repositoryAndTag)
}

// Digest is what REPOSITORY:TAG holds.
func (r *Registry) Digest(tb testing.TB, repositoryAndTag string) v1.Hash {
	tb.Helper()
	desc, err := remote.Head(r.Reference(tb, repositoryAndTag), r.Remote(tb.Context())...)
	if err != nil {
		tb.Fatalf("resolving %s: %v", repositoryAndTag, err)
	}
	return desc.Digest
}

// Contents pulls every tag of the registry, down to the last byte of the last blob, and
// returns the digests by REPOSITORY:TAG. A tag that cannot be pulled fails the test.
func (r *Registry) Contents(tb testing.TB) map[string]string {
	tb.Helper()
	digests := map[string]string{}
	reuse, err := remote.NewPuller(r.Remote(tb.Context())...)
	if err != nil {
		tb.Fatal(err)
	}
	p := &puller{Puller: reuse, seen: map[string]bool{}}
	for _, tag := range r.tags(tb, remote.Reuse(reuse)) {
		digest, err := p.tag(tb.Context(), r.Reference(tb, tag))
		if err != nil {
			tb.Errorf("tag %s cannot be pulled: %v", tag, err)
		}
		digests[tag] = digest
	}
	return digests
}

// tags lists all tags of all repositories.
func (r *Registry) tags(tb testing.TB, opts ...remote.Option) []string {
	tb.Helper()
	registry, err := name.NewRegistry(r.Host, r.nameOptions()...)
	if err != nil {
		tb.Fatal(err)
	}
	opts = append(r.Remote(tb.Context()), opts...)
	repositories, err := remote.Catalog(tb.Context(), registry, opts...)
	if err != nil {
		tb.Fatalf("listing the repositories of %s: %v", r.Host, err)
	}
	var all []string
	for _, repository := range repositories {
		tags, err := remote.List(registry.Repo(repository), opts...)
		if isNotFound(err) { // blobs are there, but no tag yet
			continue
		}
		if err != nil {
			tb.Fatalf("listing the tags of %s: %v", repository, err)
		}
		for _, tag := range tags {
			all = append(all, repository+":"+tag)
		}
	}
	return all
}

func (r *Registry) nameOptions() []name.Option {
	if r.CA == nil {
		return []name.Option{name.Insecure}
	}
	return nil
}

func isNotFound(err error) bool {
	var e *transport.Error
	return errors.As(err, &e) && e.StatusCode == http.StatusNotFound
}
