package relocate

import (
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// RefusedLoginError is a login that a registry does not accept. Nothing was stored.
type RefusedLoginError struct{ Err error }

// Error is what the registry said.
func (e *RefusedLoginError) Error() string { return e.Err.Error() }

// Unwrap returns what the registry said.
func (e *RefusedLoginError) Unwrap() error { return e.Err }

// KeptLogin is a login that has been stored.
type KeptLogin struct {
	credentials.Storage
	// Unchecked says that the registry lets everybody in, and has not asked for it.
	Unchecked bool
}

// Login checks a login with its registry and then keeps it.
func (s *Session) Login(ctx context.Context, host string, login credentials.Login) (KeptLogin, error) {
	client, err := s.Clients.Trying(ctx, host, login)
	if err != nil {
		return KeptLogin{}, err
	}
	if err := aboutLogin(client.Ping(ctx)); err != nil {
		return KeptLogin{}, err
	}
	place, err := credentials.Store(ctx, host, login)
	return KeptLogin{Storage: place, Unchecked: client.Transport().Standing().Scheme == ""}, err
}

// aboutLogin rewords what a registry answered to a login: there are no two sides here.
func aboutLogin(err error) error {
	var failed *registry.Error
	if !errors.As(err, &failed) {
		return err
	}
	reworded := *failed
	reworded.Side = ""
	if errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrExpired) {
		return &RefusedLoginError{&reworded}
	}
	return &reworded
}
