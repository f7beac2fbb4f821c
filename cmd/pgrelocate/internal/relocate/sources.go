package relocate

import (
	"context"
	"path"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/chart/packed"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Sources open what artifacts come from, host by host: registries, and classic Helm
// repositories, whose charts are served as a registry would serve them.
type Sources struct {
	session *Session
	// owner is the host to which the source's login in the environment may be sent.
	owner     string
	artifacts []versions.Artifact

	mu     sync.Mutex
	opened map[string]registry.Source // those of hosts with classic repositories
}

// SourcesOf are the registries and repositories that artifacts come from.
func (s *Session) SourcesOf(artifacts []versions.Artifact) *Sources {
	return &Sources{session: s, owner: OwnerOfCredentials(s.Config, artifacts), artifacts: artifacts, opened: map[string]registry.Source{}}
}

// SourcesOfOthers are the registries and repositories that artifacts come from which somebody else has
// chosen: the source's login in the environment is sent only where it would be for what the settings
// select.
func (s *Session) SourcesOfOthers(artifacts, selected []versions.Artifact) *Sources {
	sources := s.SourcesOf(artifacts)
	sources.owner = OwnerOfCredentials(s.Config, selected)
	return sources
}

// Open returns what serves a host.
func (s *Sources) Open(ctx context.Context, host string) (registry.Source, error) {
	var charts []versions.Artifact
	for _, a := range s.artifacts {
		if a.Source.Host == host && a.ChartURL != "" {
			charts = append(charts, a)
		}
	}
	if len(charts) == 0 {
		return s.session.Clients.Source(ctx, host, s.owner)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if source := s.opened[host]; source != nil {
		return source, nil
	}
	beyond, err := s.session.Clients.Source(ctx, host, s.owner)
	if err != nil {
		return nil, err
	}
	made := &classicSource{Source: packed.New(beyond), fetch: s.fetcher(charts), failed: map[string]error{}, done: map[string]bool{}}
	s.opened[host] = made
	return made, nil
}

// fetcher fetches the charts of a repository, as a registry names it.
func (s *Sources) fetcher(charts []versions.Artifact) func(context.Context, *packed.Source, string) error {
	return func(ctx context.Context, into *packed.Source, at string) error {
		for _, a := range charts {
			if a.Source.Repository != at {
				continue
			}
			address, err := ref.ParseHelmRepository(a.ChartURL)
			if err != nil {
				return err
			}
			from, err := s.session.Clients.Charts(ctx, address, s.owner)
			if err != nil {
				return err
			}
			// A plus in a version is an underscore in a tag.
			found, err := from.Fetch(ctx, path.Base(at), strings.ReplaceAll(a.Source.Tag, "_", "+"))
			if err != nil {
				return err
			}
			if _, err := into.Add(at, found, nil); err != nil {
				return err
			}
		}
		return nil
	}
}

// classicSource fetches charts once they are asked for.
type classicSource struct {
	*packed.Source
	fetch func(ctx context.Context, into *packed.Source, repository string) error

	mu     sync.Mutex
	done   map[string]bool
	failed map[string]error
}

// fetched has the charts of a repository fetched, once.
func (c *classicSource) fetched(ctx context.Context, repository string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done[repository] {
		return c.failed[repository]
	}
	err := c.fetch(ctx, c.Source, repository)
	if ctx.Err() == nil {
		c.done[repository], c.failed[repository] = true, err
	}
	return err
}

// Resolve implements registry.Source.
func (c *classicSource) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	if err := c.fetched(ctx, repository); err != nil {
		return v1.Descriptor{}, err
	}
	return c.Source.Resolve(ctx, repository, reference)
}

// Manifest implements registry.Source.
func (c *classicSource) Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error) {
	if err := c.fetched(ctx, repository); err != nil {
		return oci.Manifest{}, err
	}
	return c.Source.Manifest(ctx, repository, reference, also...)
}

// Tags implements registry.Source.
func (c *classicSource) Tags(ctx context.Context, repository string) ([]string, error) {
	if err := c.fetched(ctx, repository); err != nil {
		return nil, err
	}
	return c.Source.Tags(ctx, repository)
}
