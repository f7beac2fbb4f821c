package relocate

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// pullCredentials are those that go into the cluster: those that were given, as
// cluster.ParseCredentials reads it, where any were; else those in the environment
// for pulling; else the user's own for the private registry.
func (s *Session) pullCredentials(ctx context.Context, given *string) (credentials.Login, error) {
	host := s.cfg.Registry.Host
	if given != nil {
		return cluster.ParseCredentials(*given, host)
	}
	found, err := credentials.FromEnvironment(config.Variable("pull"))
	if err != nil {
		return found, &exit.UsageError{Err: err}
	}
	if !found.IsZero() {
		return found, s.Clients.mayReceive(registry.SideTarget, host)
	}
	return s.ownCredentials(ctx, host)
}

// ownCredentials are those with which the user reaches the private registry.
func (s *Session) ownCredentials(ctx context.Context, host string) (credentials.Login, error) {
	given, err := credentials.FromEnvironment(config.Variable(settingOf[registry.SideTarget]))
	if err != nil {
		return given, &exit.UsageError{Err: err}
	}
	if !given.IsZero() {
		if err := s.Clients.mayReceive(registry.SideTarget, host); err != nil {
			return given, err
		}
	}
	resource, err := name.NewRegistry(host)
	if err != nil {
		return given, err
	}
	found, err := authn.Resolve(ctx, credentials.Keychain(host, given), resource)
	if err != nil {
		return given, err
	}
	login, err := found.Authorization()
	if err != nil {
		return given, err
	}
	return cluster.CredentialsFrom(*login)
}
