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
	if errors.Is(err, registry.ErrUnauthorized) {
		reworded.Hint = "the user name or the password is wrong, or the token has expired; nothing was stored"
	}
	return &reworded
}
