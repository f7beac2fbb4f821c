package advice

import (
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// refusedForCluster is for credentials that were meant for the cluster: logging in would change
// nothing.
func refusedForCluster(err error) string {
	var refused *pulling.RefusedError
	if !errors.As(err, &refused) {
		return ""
	}
	from := refused.From
	switch from {
	case "":
		return fmt.Sprintf("the credentials in %s are wrong, or have expired: set new ones", config.PasswordVariable("pull"))
	case "-":
		from = "standard input"
	}
	return fmt.Sprintf("the credentials from %s (--pull-credentials-file) are wrong, or have expired", from)
}

// refusedFromEnvironment is for who gave credentials in the environment: they must be mended
// there, and logging in would change nothing.
func refusedFromEnvironment(err error) string {
	var refused *registry.Error
	var access *registry.AccessError
	if errors.As(err, &access) && (access.Elsewhere != "" || access.Anonymous) {
		return "" // none of ours were sent there: they are another host's
	}
	if !errors.As(err, &refused) || !errors.Is(err, registry.ErrUnauthorized) && !errors.Is(err, registry.ErrExpired) {
		return ""
	}
	side := map[registry.Side]string{registry.SideSource: "source", registry.SideTarget: "registry"}[refused.Side]
	if side == "" || len(config.CredentialsFrom(side)) == 0 {
		return ""
	}
	return fmt.Sprintf("the credentials in %s are wrong for the %s, or have expired: set new ones", config.PasswordVariable(side), refused.Side)
}
