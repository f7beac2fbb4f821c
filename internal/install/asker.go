package install

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// asker asks registries for images with the credentials that a cluster has stored for
// them. One connection and one answer serve all who ask for the same.
type asker struct {
	cluster           *Cluster
	dial              Dial
	namespace, secret string
	deep              bool

	mu    sync.Mutex
	hosts map[string]*hostAccess
	seen  map[string]map[string]bool // blobs that are there, by host
}

// hostAccess is a host with the credentials that are stored for it.
type hostAccess struct {
	registry Registry
	// without says why no credentials are stored; nil where they are.
	without error
	// gave says that the host has given out an image.
	gave bool
	err  error
}

func newAsker(cluster *Cluster, dial Dial, namespace, secret string, deep bool) *asker {
	return &asker{
		cluster: cluster, dial: dial, namespace: namespace, secret: secret, deep: deep,
		hosts: map[string]*hostAccess{}, seen: map[string]map[string]bool{},
	}
}

// access opens a host with what the secret holds for it, or anonymously, as a node does.
func (a *asker) access(ctx context.Context, host string) *hostAccess {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.hosts[host]; known != nil {
		return known
	}
	access := &hostAccess{}
	credentials, err := a.cluster.StoredCredentials(ctx, a.namespace, a.secret, host)
	switch {
	case err == nil:
	case errors.Is(err, ErrDenied), ctx.Err() != nil:
		access.err = err
	default:
		access.without = err
	}
	if access.err == nil {
		access.registry, access.err = a.dial(host, credentials)
	}
	a.hosts[host], a.seen[host] = access, map[string]bool{}
	return access
}

// anonymous tells whether the host was asked without credentials, and gave what it was
// asked for.
func (a *asker) anonymous(host string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.hosts[host]
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
		check.Reason = err.Error()
		return check, nil //nolint:nilerr // the reason says it
	}
	if !slices.Contains(hosts, ref.Host) {
		check.Reason = fmt.Sprintf("it is in %s and not in the private registry", ref.Host)
		check.Hint = "point it to the private registry again: `pgrelocate install` restores what the release made"
		return check, nil
	}
	access := a.access(ctx, ref.Host)
	if access.err != nil {
		return check, access.err
	}
	descriptor, err := access.registry.Resolve(ctx, ref.Repository, orLatest(referenceOf(ref)))
	if err == nil {
		check.Digest = descriptor.Digest.String()
		a.mu.Lock()
		access.gave = true
		a.mu.Unlock()
		err = a.deeper(ctx, access.registry, ref, check.Digest)
	}
	if ctx.Err() != nil {
		return check, context.Cause(ctx)
	}
	check.Pulls = err == nil
	check.Reason, check.Hint = a.reason(err, access.without)
	return check, nil
}

func orLatest(tag string) string {
	if tag == "" {
		return "latest"
	}
	return tag
}

// deeper asks for the blobs where that was wanted.
func (a *asker) deeper(ctx context.Context, reg Registry, ref ref.Reference, digest string) error {
	if !a.deep {
		return nil
	}
	seen := map[string]bool{}
	a.mu.Lock()
	maps.Copy(seen, a.seen[ref.Host])
	a.mu.Unlock()
	missing, err := missingBlobs(ctx, reg, ref.Repository, digest, seen, 0)
	a.mu.Lock()
	maps.Copy(a.seen[ref.Host], seen)
	a.mu.Unlock()
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return fmt.Errorf("a manifest of it is missing in the registry: %w", err)
	case err != nil:
		return err
	case missing != "":
		return fmt.Errorf("its blob %s is missing in the registry", missing)
	default:
		return nil
	}
}

// reason says why an image cannot be pulled, and what to do about it.
func (a *asker) reason(err, without error) (reason, hint string) {
	switch {
	case err == nil:
		return "", ""
	case errors.Is(err, registry.ErrNotFound):
		return ErrNotMirrored.Error(), "relocate it with `pgrelocate copy`"
	case (errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden)) && without != nil:
		return "the registry wants credentials, and " + without.Error(), "run `pgrelocate secret --namespace " + a.namespace + "`"
	case errors.Is(err, registry.ErrUnauthorized):
		return "the registry refuses the credentials in secret " + a.secret, "run `pgrelocate secret --rotate` with valid credentials"
	case errors.Is(err, registry.ErrForbidden):
		return "the credentials in secret " + a.secret + " may not read this repository", "grant them to read it, or run `pgrelocate secret --rotate` with others"
	default:
		return err.Error(), "relocate it again with `pgrelocate copy`, or look after the registry"
	}
}

// accepts tries credentials on an image; an empty string means that they are good.
func (a *asker) accepts(ctx context.Context, credentials Credentials, ref ref.Reference) string {
	reg, err := a.dial(ref.Host, credentials)
	if err == nil {
		_, err = reg.Resolve(ctx, ref.Repository, orLatest(referenceOf(ref)))
	}
	if errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden) {
		return err.Error()
	}
	// Anything else is said where the image itself is.
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
