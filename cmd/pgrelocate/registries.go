package main

import (
	"context"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// registries opens the registries of one run as the settings say, each once. Use
// app.registries. It is safe for concurrent use.
type registries struct {
	cfg    *config.Config
	notice func(string)

	// FromSource and ToTarget count what goes over the wire.
	fromSource, toTarget registry.Traffic

	mu      sync.Mutex
	sources map[string]*remote.Client
	target  *remote.Client
}

func (a *app) registries(cfg *config.Config) *registries {
	return &registries{
		cfg:     cfg,
		notice:  func(line string) { a.detail("%s", line) },
		sources: map[string]*remote.Client{},
	}
}

// endpoints are both sides of a copy. The credentials in PGRELOCATE_SOURCE_* are for the
// host of --source or, without it, for the one registry that the artifacts come from;
// where those come from several, each has to have its credentials in the docker config.
func (r *registries) endpoints(ctx context.Context, artifacts []versions.Artifact) (registry.Endpoints, error) {
	target, err := r.openTarget(ctx, true)
	if err != nil {
		return registry.Endpoints{}, err
	}
	owner := ownerOfCredentials(r.cfg, artifacts)
	return registry.Endpoints{
		Source: func(host string) (registry.Source, error) { return r.openSource(ctx, host, owner) },
		Target: target,
	}, nil
}

// ownerOfCredentials is the host to which PGRELOCATE_SOURCE_PASSWORD may be sent.
func ownerOfCredentials(cfg *config.Config, artifacts []versions.Artifact) string {
	if !cfg.Source.IsZero() {
		return cfg.Source.Host
	}
	host := ""
	for _, artifact := range artifacts {
		if host != "" && artifact.Source.Host != host {
			return ""
		}
		host = artifact.Source.Host
	}
	return host
}

// openSource returns the client of a source; owner is as in ownerOfCredentials.
func (r *registries) openSource(ctx context.Context, host, owner string) (*remote.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if client := r.sources[host]; client != nil {
		return client, nil
	}
	client, err := r.open(ctx, host, owner, "PGRELOCATE_SOURCE", remote.Options{
		Side:      registry.SideSource,
		PlainHTTP: r.cfg.SourcePlainHTTP,
		Traffic:   &r.fromSource,
	})
	if err == nil {
		r.sources[host] = client
	}
	return client, err
}

// openTarget returns the client of the private registry; push says whether it is going
// to write there.
func (r *registries) openTarget(ctx context.Context, push bool) (*remote.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.target != nil {
		return r.target, nil
	}
	host := r.cfg.Registry.Host
	client, err := r.open(ctx, host, host, "PGRELOCATE_REGISTRY", remote.Options{
		Side:      registry.SideTarget,
		Push:      push,
		PlainHTTP: r.cfg.PlainHTTP,
		Traffic:   &r.toTarget,
	})
	if err == nil {
		r.target = client
	}
	return client, err
}

// open adds to options what both sides have in common.
func (r *registries) open(ctx context.Context, host, owner, variables string, options remote.Options) (*remote.Client, error) {
	if err := checkAuthorities(r.cfg.CAFile); err != nil {
		return nil, err
	}
	given, err := credentials.FromEnvironment(variables)
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	options.Keychain = credentials.Keychain(owner, given)
	if err := readable(ctx, options.Keychain, host); err != nil {
		return nil, err
	}
	options.CAFile = r.cfg.CAFile
	options.Jobs = r.cfg.Jobs
	options.RateLimit = r.cfg.LimitRate
	options.StallTimeout = r.cfg.StallTimeout
	options.RetryTimeout = r.cfg.RetryTimeout
	options.UserAgent = userAgent()
	options.Notice = r.notice
	return remote.New(host, options)
}

// readable finds out early what a keychain cannot read: later every artifact would fail
// for the same reason.
func readable(ctx context.Context, keychain authn.Keychain, host string) error {
	resource, err := name.NewRegistry(host)
	if err != nil {
		return nil //nolint:nilerr // a name that is wrong is for the client to say
	}
	_, err = authn.Resolve(ctx, keychain, resource)
	return err
}

// close closes idle connections.
func (r *registries) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, client := range r.sources {
		client.Close()
	}
	if r.target != nil {
		r.target.Close()
	}
}
