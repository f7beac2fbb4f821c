package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

func newLogoutCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "logout HOST",
		Short: "Forget the login of a registry",
		Long: `Remove what "pgrelocate login" or "docker login" has stored for a registry. Doing so
twice does no harm.`,
		Example: `  pgrelocate logout registry.example.com`,
		Args:    exactArgs("HOST"),
		RunE: a.with(func(_ context.Context, _ *config.Config, args []string) error {
			return logout(a, args[0])
		}),
	}
}

func logout(a *app, arg string) error {
	host, err := hostOf(arg)
	if err != nil {
		return err
	}
	removed, place, err := credentials.Erase(host)
	switch {
	case err != nil:
		return err
	case removed:
		a.note("logged out of %s; the login was removed from %s", host, place)
	default:
		a.note("there is no login for %s in %s", host, place)
	}
	return nil
}
