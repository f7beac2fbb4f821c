package main

import (
	"errors"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// loginPatience is how long login retries: somebody is waiting.
const loginPatience = 20 * time.Second

// aboutLogin rewords what a registry answered to a login: there are no two sides here,
// and advice to log in would go round in a circle.
func aboutLogin(err error) error {
	var failed *registry.Error
	if !errors.As(err, &failed) {
		return err
	}
	reworded := *failed
	reworded.Side = ""
	if errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrExpired) {
		return &refusedLogin{&reworded}
	}
	return &reworded
}

// refusedLogin is a login that a registry does not accept.
type refusedLogin struct{ err error }

func (e *refusedLogin) Error() string { return e.err.Error() }
func (e *refusedLogin) Unwrap() error { return e.err }

// Hint is the advice.
func (e *refusedLogin) Hint() string {
	return "the user name or the password is wrong, or the token has expired; nothing was stored"
}
