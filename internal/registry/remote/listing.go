package remote

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
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
	return c.referrers.Of(ctx, repository, digest)
}

// ListReferrers implements registry.Target by the subject's referrers tag, as the distribution
// specification asks of whoever pushes to a registry without the API.
func (c *Client) ListReferrers(ctx context.Context, repository string, subject v1.Hash, referrers []v1.Descriptor) error {
	return c.referrers.Add(ctx, repository, subject, referrers)
}
