package registrytest

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	for _, tag := range r.tags(tb) {
		desc, err := remote.Get(r.Reference(tb, tag), r.Remote(tb.Context())...)
		if err != nil {
			tb.Errorf("tag %s cannot be pulled: %v", tag, err)
			continue
		}
		if err := pull(desc); err != nil {
			tb.Errorf("tag %s cannot be pulled: %v", tag, err)
		}
		digests[tag] = desc.Digest.String()
	}
	return digests
}

// tags lists all tags of all repositories.
func (r *Registry) tags(tb testing.TB) []string {
	tb.Helper()
	registry, err := name.NewRegistry(r.Host, r.nameOptions()...)
	if err != nil {
		tb.Fatal(err)
	}
	repositories, err := remote.Catalog(tb.Context(), registry, r.Remote(tb.Context())...)
	if err != nil {
		tb.Fatalf("listing the repositories of %s: %v", r.Host, err)
	}
	var all []string
	for _, repository := range repositories {
		tags, err := remote.List(registry.Repo(repository), r.Remote(tb.Context())...)
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

// pull reads everything that a manifest refers to; remote checks it against the digests.
func pull(desc *remote.Descriptor) error {
	if desc.MediaType.IsIndex() {
		index, err := desc.ImageIndex()
		if err != nil {
			return err
		}
		return pullIndex(index)
	}
	image, err := desc.Image()
	if err != nil {
		return err
	}
	return pullImage(image)
}

func pullIndex(index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, child := range manifest.Manifests {
		if child.MediaType.IsIndex() {
			nested, err := index.ImageIndex(child.Digest)
			if err != nil {
				return fmt.Errorf("child %s: %w", child.Digest, err)
			}
			if err := pullIndex(nested); err != nil {
				return err
			}
			continue
		}
		image, err := index.Image(child.Digest)
		if err != nil {
			return fmt.Errorf("child %s: %w", child.Digest, err)
		}
		if err := pullImage(image); err != nil {
			return fmt.Errorf("child %s: %w", child.Digest, err)
		}
	}
	return nil
}

func pullImage(image v1.Image) error {
	if _, err := image.RawConfigFile(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := pullLayer(layer); err != nil {
			return err
		}
	}
	return nil
}

func pullLayer(layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return fmt.Errorf("layer %s: %w", digest, err)
	}
	defer content.Close()
	if _, err := io.Copy(io.Discard, content); err != nil {
		return fmt.Errorf("layer %s: %w", digest, err)
	}
	return nil
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
