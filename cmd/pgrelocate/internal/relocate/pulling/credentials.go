package pulling

import (
	"context"
	"errors"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// Credentials are credentials for the cluster that were given.
type Credentials struct {
	// Text is as pullsecret.ParseCredentials reads it.
	Text string
	// From is the file that it was read from; - is standard input.
	From string
}

// RefusedError says that the registry refuses credentials that were meant for the cluster, and
// are not those with which the user reaches it.
type RefusedError struct {
	// From is the file that they come from, or - for standard input; empty for the environment.
	From string
	// Err is what the registry said.
	Err error
}

// Error is what the registry said.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns what the registry said.
func (e *RefusedError) Unwrap() error { return e.Err }

// Login is a login that goes into the cluster, with where it comes from.
type Login struct {
	credentials.Login
	own  bool // it is the user's own
	from string
}

// Refused tells whose credentials it was that a registry refused.
func (l Login) Refused(err error) error {
	if l.own || !errors.Is(err, registry.ErrUnauthorized) && !errors.Is(err, registry.ErrExpired) {
		return err
	}
	return &RefusedError{From: l.from, Err: err}
}

// puller is a registry that is asked with such a login.
type puller struct {
	verify.Puller
	login Login
}

func (p *puller) Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error) {
	found, err := p.Puller.Resolve(ctx, repository, reference)
	return found, p.login.Refused(err)
}

// LoginFor is the login that goes into the cluster: the one that was given where one was; else
// the one in the environment for pulling; else the user's own for the private registry.
func LoginFor(ctx context.Context, s *relocate.Session, given *Credentials) (login Login, err error) {
	host := s.Config.Registry.Host
	if given != nil {
		login.from = given.From
		login.Login, err = pullsecret.ParseCredentials(given.Text, s.Config.Registry.String())
		return login, exit.Misread(err)
	}
	if login.Login, err = credentials.FromEnvironment(config.Variable("pull")); err != nil {
		return login, &exit.UsageError{Err: err}
	}
	if !login.IsZero() {
		return login, s.Clients.MayReceive(registry.SideTarget, host)
	}
	login.own = true
	login.Login, err = ownCredentials(ctx, s, host)
	return login, err
}

// ownCredentials are those with which the user reaches the private registry.
func ownCredentials(ctx context.Context, s *relocate.Session, host string) (credentials.Login, error) {
	given, err := credentials.FromEnvironment(config.Variable(relocate.SettingOf[registry.SideTarget]))
	if err != nil {
		return given, &exit.UsageError{Err: err}
	}
	if !given.IsZero() {
		if err := s.Clients.MayReceive(registry.SideTarget, host); err != nil {
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
	return pullsecret.CredentialsFrom(*login)
}
