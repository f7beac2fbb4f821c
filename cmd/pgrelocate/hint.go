package main

import (
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// hintFor is the line that says what a user can do about err; empty where there is none.
// Who gave credentials in the environment must mend them there: logging in would change
// nothing.
func hintFor(err error) string {
	var refused *registry.Error
	if !errors.As(err, &refused) || !errors.Is(err, registry.ErrUnauthorized) {
		return exit.Hint(err)
	}
	side := map[registry.Side]string{registry.SideSource: "source", registry.SideTarget: "registry"}[refused.Side]
	if side == "" || len(config.CredentialsFrom(side)) == 0 {
		return exit.Hint(err)
	}
	return fmt.Sprintf("the credentials in %s are wrong for the %s, or have expired: set new ones", config.PasswordVariable(side), refused.Side)
}
