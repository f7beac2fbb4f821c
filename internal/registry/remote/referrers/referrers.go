// Package referrers finds what refers to a manifest, signatures most often, and lists what is pushed: by
// the registry's API, and where it has none by the tag that stands in for it.
package referrers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/pages"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// Manifests are those of the registry, in which a tag stands in for the API.
type Manifests interface {
	// Manifest fetches one; ErrNotFound where there is none.
	Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error)
	// PushManifest puts one, as registry.Target does.
	PushManifest(ctx context.Context, repository, reference string, manifest oci.Manifest) (bool, error)
}

// Lister knows whether one registry lists referrers, and does it where it does not. It is safe for
// concurrent use.
type Lister struct {
	client     *transport.Client
	manifests  Manifests
	mayHaveTag func(repository, tag string) bool

	listed   atomic.Int32 // whether the registry does
	turn     chan struct{}
	unlisted refusals
	subjects sync.Mutex // held while a tag is read and written
}

// New returns a lister for the registry of a client. What is known of its tags spares requests:
// mayHaveTag is false where there is none.
func New(client *transport.Client, manifests Manifests, mayHaveTag func(repository, tag string) bool) *Lister {
	return &Lister{client: client, manifests: manifests, mayHaveTag: mayHaveTag, turn: make(chan struct{}, 1)}
}

// Of lists what refers to a manifest: by the API, and where the registry has none by
// the tag that stands in for it.
func (l *Lister) Of(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	settle, err := l.askFirst(ctx)
	if err != nil {
		return nil, err
	}
	found, err := l.byAPI(ctx, repository, digest)
	switch {
	case err == nil:
		l.unlisted.succeeded()
	case !unsupported(err) && ctx.Err() == nil:
		l.unlisted.remember(repository, err)
	}
	settle(err)
	if unsupported(err) {
		return l.byTag(ctx, repository, digest)
	}
	return found, err
}

// Whether a registry lists referrers.
const (
	unknown = iota
	listed
	absent
)

// askFirst lets one request at a time find out whether the registry lists referrers. The
// returned function takes what came of it.
func (l *Lister) askFirst(ctx context.Context) (func(error), error) {
	if l.listed.Load() != unknown {
		return func(error) {}, nil
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if l.listed.Load() != unknown {
		<-l.turn
		return func(error) {}, nil
	}
	return func(err error) {
		switch {
		case unsupported(err):
			l.listed.Store(absent)
		case err == nil:
			l.listed.Store(listed)
		}
		<-l.turn
	}, nil
}

func (l *Lister) byAPI(ctx context.Context, repository string, digest v1.Hash) ([]v1.Descriptor, error) {
	if l.listed.Load() == absent {
		return nil, errNone
	}
	if err := l.unlisted.of(repository); err != nil {
		return nil, err
	}
	request := transport.Request{
		Op: "listing referrers of", Ref: l.client.Host() + "/" + repository + "@" + digest.String(), Method: http.MethodGet,
		Path:   "/v2/" + repository + "/referrers/" + digest.String(),
		Need:   transport.Access{Repository: repository},
		Header: http.Header{"Accept": {string(types.OCIImageIndex)}},
		Accept: []int{http.StatusOK},
	}
	var found []v1.Descriptor
	err := pages.Each(ctx, l.client, request, func(body []byte, header http.Header) error {
		plain, _, _ := strings.Cut(header.Get("Content-Type"), ";")
		if strings.TrimSpace(plain) != string(types.OCIImageIndex) {
			return errNone
		}
		page, err := indexEntries(body)
		found = append(found, page...)
		return err
	})
	return found, err
}

var errNone = errors.New("no referrers API")

// unsupported tells that the registry has no referrers API: those that have one
// answer with an empty index, never with 404, for what nothing refers to.
func unsupported(err error) bool {
	var status *transport.StatusError
	if errors.As(err, &status) {
		switch status.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusNotImplemented, http.StatusNotAcceptable:
			return true
		}
	}
	return errors.Is(err, errNone)
}

func indexEntries(body []byte) ([]v1.Descriptor, error) {
	var index v1.IndexManifest
	if err := jsonlimit.Unmarshal(body, &index); err != nil {
		return nil, err
	}
	return index.Manifests, nil
}
