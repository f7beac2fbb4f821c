package remote

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/pages"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// mostTags are those of a repository: each takes a hundred bytes of memory.
const mostTags = 500_000

// Tags implements registry.Source.
func (c *Client) Tags(ctx context.Context, repository string) ([]string, error) {
	request := transport.Request{
		Op: "listing tags of", Ref: c.Host() + "/" + repository, Method: http.MethodGet,
		Path: "/v2/" + repository + "/tags/list", Need: transport.Access{Repository: repository}, Accept: []int{http.StatusOK},
	}
	var tags []string
	err := pages.Each(ctx, c.transport, request, func(body []byte, _ http.Header) error {
		whatever := func(*string) error { return nil }
		var name string
		listing := false
		told := func(field jsonlimit.Field) jsonlimit.Field {
			return func(d *jsonlimit.Decoder) error { listing = true; return field(d) }
		}
		err := jsonlimit.Object(body, jsonlimit.Fields{
			"name": told(jsonlimit.Value(&name)), "tags": told(jsonlimit.List(&tags, mostTags-len(tags), whatever)),
		})
		if err == nil && !listing { // an error, a page of a portal: not the word that there are none
			err = errors.New("it is no list of tags")
		}
		return err
	})
	if err != nil && !errors.Is(err, registry.ErrRepositoryUnknown) {
		return nil, err
	}
	c.rememberTags(repository, tags)
	return tags, err
}

func (c *Client) rememberTags(repository string, tags []string) {
	known := make(map[string]bool, len(tags))
	for _, tag := range tags {
		known[tag] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tags[repository] = known
}

// Listed are the tags of a repository as they were last listed, in their alphabetical order, and
// those that were put since; false where nobody has listed them. Nothing is sent.
func (c *Client) Listed(repository string) ([]string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, listed := c.tags[repository]
	return slices.Sorted(maps.Keys(known)), listed
}

// rememberTag adds a tag that has just been put to what is known of the repository.
func (c *Client) rememberTag(repository, tag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, listed := c.tags[repository]; listed {
		known[tag] = true
	}
}

// listed tells whether the repository's tags have been listed.
func (c *Client) listed(repository string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tags[repository] != nil
}

// listsTag tells whether the last listing of the repository named a tag; false without one.
func (c *Client) listsTag(repository, tag string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tags[repository][tag]
}

// mayHaveTag tells what the last listing of the repository says; true without one.
func (c *Client) mayHaveTag(repository, tag string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, listed := c.tags[repository]
	return !listed || known[tag]
}

// Referrers implements registry.Source: by the API, and where the registry has none by
// the tag that stands in for it.
func (c *Client) Referrers(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	settle, err := c.askFirst(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.referrersByAPI(ctx, repository, digest)
	switch {
	case err == nil:
		c.unlisted.succeeded()
	case !unsupportedReferrers(err) && ctx.Err() == nil:
		c.unlisted.remember(repository, err)
	}
	settle(err)
	if unsupportedReferrers(err) {
		return c.referrersByTag(ctx, repository, digest)
	}
	return found, err
}

// refusals are why a registry does not list referrers that it should list. Each repository
// is asked until it has refused once, for an image is asked about after the other.
type refusals struct {
	mu           sync.Mutex
	listed       bool // some were
	everywhere   error
	byRepository map[string]error
}

// remember keeps a refusal. Two repositories for which no retry has mended it, where none has
// been listed, are taken to say that the registry as a whole does not.
func (r *refusals) remember(repository string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var over, before *transport.GaveUpError
	if errors.As(err, &over) && !r.listed {
		for other, earlier := range r.byRepository {
			if other != repository && errors.As(earlier, &before) {
				r.everywhere = err
			}
		}
	}
	if r.byRepository == nil {
		r.byRepository = map[string]error{}
	}
	r.byRepository[repository] = err
}

func (r *refusals) succeeded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listed = true
}

func (r *refusals) of(repository string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.everywhere != nil {
		return r.everywhere
	}
	return r.byRepository[repository]
}

// Whether a registry lists referrers.
const (
	referrersUnknown = iota
	referrersListed
	referrersAbsent
)

// askFirst lets one request at a time find out whether the registry lists referrers. The
// returned function takes what came of it.
func (c *Client) askFirst(ctx context.Context) (func(error), error) {
	if c.referrers.Load() != referrersUnknown {
		return func(error) {}, nil
	}
	select {
	case c.referrersTurn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c.referrers.Load() != referrersUnknown {
		<-c.referrersTurn
		return func(error) {}, nil
	}
	return func(err error) {
		switch {
		case unsupportedReferrers(err):
			c.referrers.Store(referrersAbsent)
		case err == nil:
			c.referrers.Store(referrersListed)
		}
		<-c.referrersTurn
	}, nil
}

func (c *Client) referrersByAPI(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	if c.referrers.Load() == referrersAbsent {
		return nil, errNoReferrers
	}
	if err := c.unlisted.of(repository); err != nil {
		return nil, err
	}
	request := transport.Request{
		Op: "listing referrers of", Ref: c.refOf(repository, digest.String()), Method: http.MethodGet,
		Path:   "/v2/" + repository + "/referrers/" + digest.String(),
		Need:   transport.Access{Repository: repository},
		Header: http.Header{"Accept": {string(types.OCIImageIndex)}},
		Accept: []int{http.StatusOK},
	}
	var found []v1.Descriptor
	err := pages.Each(ctx, c.transport, request, func(body []byte, header http.Header) error {
		if mediaTypeOf(header.Get("Content-Type"), nil) != types.OCIImageIndex {
			return errNoReferrers
		}
		page, err := indexEntries(body)
		found = append(found, page...)
		return err
	})
	return found, err
}

var errNoReferrers = errors.New("no referrers API")

// unsupportedReferrers tells that the registry has no referrers API: those that have one
// answer with an empty index, never with 404, for what nothing refers to.
func unsupportedReferrers(err error) bool {
	var status *transport.StatusError
	if errors.As(err, &status) {
		switch status.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusNotImplemented, http.StatusNotAcceptable:
			return true
		}
	}
	return errors.Is(err, errNoReferrers)
}

func indexEntries(body []byte) ([]v1.Descriptor, error) {
	var index v1.IndexManifest
	if err := jsonlimit.Unmarshal(body, &index); err != nil {
		return nil, err
	}
	return index.Manifests, nil
}

// referrersTag is where the distribution specification keeps referrers for registries
// without the API.
func referrersTag(digest v1.Hash) string { return digest.Algorithm + "-" + digest.Hex }

func (c *Client) referrersByTag(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	tag := referrersTag(digest)
	if !c.mayHaveTag(repository, tag) {
		return nil, nil
	}
	manifest, err := c.Manifest(ctx, repository, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return indexEntries(manifest.Body)
}

// ListReferrers implements registry.Target by the subject's referrers tag, as the distribution
// specification asks of whoever pushes to a registry without the API.
func (c *Client) ListReferrers(ctx context.Context, repository string, subject v1.Hash, referrers []v1.Descriptor) error {
	tag := referrersTag(subject)
	c.subjects.Lock()
	defer c.subjects.Unlock()
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	existing, err := c.Manifest(ctx, repository, tag)
	switch {
	case errors.Is(err, registry.ErrNotFound):
	case err != nil:
		return err
	default:
		if err := jsonlimit.Unmarshal(existing.Body, &index); err != nil {
			return c.transport.Failure(transport.Request{Op: "reading the referrers", Ref: c.refOf(repository, tag)}, err)
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
	_, err = c.PushManifest(ctx, repository, tag, updated)
	return err
}

func newIndex(index v1.IndexManifest) (oci.Manifest, error) {
	body, err := json.Marshal(index)
	if err != nil {
		return oci.Manifest{}, err
	}
	return oci.New(types.OCIImageIndex, body)
}
