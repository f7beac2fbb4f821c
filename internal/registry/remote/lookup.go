package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// heads is what a run has learned about how the registry answers HEAD.
type heads struct {
	manifests, blobs headStyle
}

// headStyle is how HEAD is answered for one kind of content.
type headStyle struct {
	// works: it has told of something that is there, so that its 404 can be believed.
	works atomic.Bool
	// useless: GET has found what HEAD refused to tell of. It is not asked any more.
	useless atomic.Bool
}

// finalAnswers are refusals of a HEAD that no retry mends; GET may fare better. (401 and 403 are
// final too.) Some say 500 of a method that they do not know.
var finalAnswers = []int{
	http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict, http.StatusGone,
	http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented,
}

// Resolve implements registry.Source with one HEAD. Where the registry, or what is before it,
// refuses that or strips its headers, one GET more asks for the same, and gets to hear why.
func (c *Client) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	style := &c.heads.manifests
	if style.useless.Load() {
		return c.resolveByGet(ctx, repository, reference)
	}
	request := c.manifestRequest(http.MethodHead, "looking up", repository, reference)
	request.Accept = append(request.Accept, finalAnswers...)
	resp, err := c.transport.Do(ctx, request)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return c.resolveMissing(ctx, repository, reference, err)
	case err != nil && !refusedAccess(err):
		return v1.Descriptor{}, err
	case err == nil:
		resp.Drain()
		if found, ok := fromHeader(resp); ok && sameAlgorithm(reference, found.Digest) {
			style.works.Store(true)
			return found, c.checkDigest(request, reference, found.Digest)
		}
	}
	bare := err == nil && resp.StatusCode == http.StatusOK
	found, err := c.resolveByGet(ctx, repository, reference)
	if err == nil && !bare {
		style.useless.Store(true)
	}
	return found, err
}

// refusedAccess tells that the registry says 401 or 403, which some say of what does not exist.
func refusedAccess(err error) bool {
	return errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden)
}

// sameAlgorithm tells whether a digest says that it is what was asked for, or that it is not: one
// of another algorithm does neither.
func sameAlgorithm(reference string, got v1.Hash) bool {
	want, err := v1.NewHash(reference)
	return err != nil || want.Algorithm == got.Algorithm
}

// checkDigest compares what was asked for by digest.
func (c *Client) checkDigest(request transport.Request, reference string, got v1.Hash) error {
	want, err := v1.NewHash(reference)
	if err == nil && want != got {
		return c.transport.Failure(request, fmt.Errorf("%w: got %s, want %s", registry.ErrDigestMismatch, got, want))
	}
	return nil
}

func fromHeader(resp *transport.Response) (v1.Descriptor, bool) {
	digest, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest"))
	mediaType := mediaTypeOf(resp.Header.Get("Content-Type"), nil)
	ok := err == nil && resp.StatusCode == http.StatusOK && mediaType != "" && resp.ContentLength > 0 && !resp.Encoded()
	return v1.Descriptor{Digest: digest, MediaType: mediaType, Size: resp.ContentLength}, ok
}

// resolveMissing makes sure of a 404 by HEAD, which some registries say of all that there is. A
// listing that names the tag contradicts it; so may a GET. Who is going to push lists the tags
// of a repository in which one is missing, and asks again.
func (c *Client) resolveMissing(ctx context.Context, repository, reference string, missing error) (v1.Descriptor, error) {
	digest := strings.Contains(reference, ":")
	if c.heads.manifests.works.Load() || c.pushes && (digest || !c.listsTag(repository, reference)) {
		return v1.Descriptor{}, missing
	}
	if !digest && !c.listsTag(repository, reference) {
		named, err := c.names(ctx, repository, reference)
		if errors.Is(err, registry.ErrNotFound) || err == nil && !named {
			return v1.Descriptor{}, missing
		}
	}
	found, err := c.resolveByGet(ctx, repository, reference)
	if err == nil {
		c.heads.manifests.useless.Store(true)
	}
	return found, err
}

// resolveByGet asks with GET. A registry that refuses that too may do so because there is
// nothing: a listing that may be read tells. What it names is refused, and not missing.
func (c *Client) resolveByGet(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	request := c.manifestRequest(http.MethodGet, "looking up", repository, reference)
	manifest, err := c.manifest(ctx, request, reference, nil)
	if !refusedAccess(err) || errors.Is(err, registry.ErrExpired) {
		return manifest.Descriptor, err
	}
	named, listErr := c.names(ctx, repository, reference)
	switch {
	case errors.Is(listErr, registry.ErrNotFound):
		return v1.Descriptor{}, listErr
	case listErr != nil || named:
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{}, c.transport.Failure(request, fmt.Errorf("%w: the registry refuses it, and lists no such tag", registry.ErrNotFound))
}

// names tells whether the repository's listing, which is read once, names a tag.
func (c *Client) names(ctx context.Context, repository, tag string) (bool, error) {
	if !c.listed(repository) {
		if _, err := c.Tags(ctx, repository); err != nil {
			return false, err
		}
	}
	return c.listsTag(repository, tag), nil
}
