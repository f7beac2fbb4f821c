package verify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// asker asks registries for images with the credentials that a cluster has stored for
// them. One connection and one answer serve all who ask for the same.
type asker struct {
	cluster           *cluster.Cluster
	dial              Dial
	namespace, secret string
	deep              bool

	mu sync.Mutex
	// known are the accesses by the repositories that they are for, and hosts each once.
	known map[string]*hostAccess
	hosts map[login]*hostAccess
}

// login is what a host is asked with.
type login struct {
	host        string
	credentials pullsecret.Credentials
}

// hostAccess is a host with the credentials that are stored for it.
type hostAccess struct {
	registry Puller
	// inspector looks below what the registry has, for each blob once.
	inspector *holdings.Inspector
	// without says why no credentials are stored; nil where they are.
	without error
	// gave says that the host has given out an image.
	gave bool
	err  error
}

func newAsker(c *cluster.Cluster, dial Dial, namespace, secret string, deep bool) *asker {
	return &asker{
		cluster: c, dial: dial, namespace: namespace, secret: secret, deep: deep,
		known: map[string]*hostAccess{}, hosts: map[login]*hostAccess{},
	}
}

// access opens a host with what the secret holds for a repository there, or anonymously, as a node does.
func (a *asker) access(ctx context.Context, image ref.Reference) *hostAccess {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := image.Host + "/" + image.Repository
	if a.known[at] == nil {
		a.known[at] = a.open(ctx, image.Host, at)
	}
	return a.known[at]
}

func (a *asker) open(ctx context.Context, host, at string) *hostAccess {
	credentials, err := pullsecret.Stored(ctx, a.cluster, a.namespace, a.secret, at)
	if err != nil && (errors.Is(err, cluster.ErrDenied) || ctx.Err() != nil) {
		return &hostAccess{err: err}
	}
	with := login{host, credentials}
	if a.hosts[with] == nil {
		access := &hostAccess{without: err}
		access.registry, access.err = a.dial(host, credentials)
		access.inspector = holdings.NewInspector(access.registry)
		a.hosts[with] = access
	}
	return a.hosts[with]
}

// anonymous tells whether the host was asked without credentials, and gave what it was
// asked for.
func (a *asker) anonymous(host string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.hosts[login{host: host}]
	return known != nil && known.without != nil && known.gave
}

// askAll fills in what the registries say to each of the images.
func (a *asker) askAll(ctx context.Context, images []*ImageCheck, hosts []string) error {
	byName := map[string][]*ImageCheck{}
	for _, image := range images {
		byName[image.Image] = append(byName[image.Image], image)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		group.Go(func() error {
			answer, err := a.ask(ctx, name, hosts)
			for _, image := range byName[name] {
				*image = answer
			}
			return err
		})
	}
	return group.Wait()
}

// ask fails only where nothing at all can be asked.
func (a *asker) ask(ctx context.Context, image string, hosts []string) (ImageCheck, error) {
	check := ImageCheck{Image: image}
	ref, err := ref.Parse(image)
	if err != nil {
		check.Err = err
		return check, nil //nolint:nilerr // the check says it
	}
	if !isAmong(hosts, ref.Host) {
		check.Err = &ElsewhereError{Host: ref.Host}
		return check, nil
	}
	access := a.access(ctx, ref)
	if access.err != nil {
		return check, access.err
	}
	descriptor, err := access.registry.Resolve(ctx, ref.Repository, orLatest(ref))
	if err == nil {
		check.Digest = descriptor.Digest.String()
		a.mu.Lock()
		access.gave = true
		a.mu.Unlock()
		if a.deep {
			err = access.lacks(ctx, ref.Repository, check.Digest)
		}
	}
	if ctx.Err() != nil {
		return check, context.Cause(ctx)
	}
	check.Err = a.reason(err, access.without)
	return check, nil
}

// orLatest is the digest or the tag, and what a node makes of neither.
func orLatest(image ref.Reference) string {
	switch {
	case image.Digest != "":
		return image.Digest
	case image.Tag != "":
		return image.Tag
	default:
		return "latest"
	}
}

// lacks asks for all that is below an image; the error says what is gone.
func (h *hostAccess) lacks(ctx context.Context, repository, digest string) error {
	missing, err := h.inspector.Missing(ctx, repository, digest)
	if err == nil && len(missing) > 0 {
		return &holdings.DamagedError{Missing: missing}
	}
	return err
}

// reason says why an image cannot be pulled; without says why no credentials are stored.
func (a *asker) reason(err, without error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, registry.ErrNotFound):
		return ErrNotMirrored
	case (errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden)) && without != nil:
		return &NoLoginError{Namespace: a.namespace, Err: without}
	case errors.Is(err, registry.ErrUnauthorized):
		return &RefusedError{Secret: a.secret}
	case errors.Is(err, registry.ErrForbidden):
		return &UnreadableError{Secret: a.secret}
	default:
		return &BrokenError{Err: err}
	}
}

// accepts tries credentials on an image; an empty string means that they are good.
func (a *asker) accepts(ctx context.Context, credentials pullsecret.Credentials, ref ref.Reference) string {
	reg, err := a.dial(ref.Host, credentials)
	if err == nil {
		_, err = reg.Resolve(ctx, ref.Repository, orLatest(ref))
	}
	if errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden) {
		return err.Error()
	}
	// Anything else is said where the image itself is.
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
