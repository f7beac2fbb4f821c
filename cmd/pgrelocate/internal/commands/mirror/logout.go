package mirror

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// NewLogoutCommand makes `pgrelocate logout`.
func NewLogoutCommand(a *app.App) *cobra.Command {
	return &cobra.Command{
		Use:   "logout HOST",
		Short: "Forget the login of a registry",
		Long: `Remove what "pgrelocate login" or "docker login" has stored for a registry. Doing so
twice does no harm.`,
		Example: `  pgrelocate logout registry.example.com`,
		Args:    usage.ExactArgs("HOST"),
		RunE: a.With(func(ctx context.Context, _ *config.Config, args []string) error {
			return logout(ctx, a, args[0])
		}),
	}
}

func logout(ctx context.Context, a *app.App, arg string) error {
	host, err := hostOf(arg)
	if err != nil {
		return err
	}
	if _, err := credentials.DockerFile(); err != nil {
		return &exit.UsageError{Err: err}
	}
	removed, place, err := credentials.Erase(ctx, host)
	switch {
	case err != nil:
		return err
	case removed:
		a.Note("logged out of %s; the login was removed from %s", host, place)
	default:
		a.Note("there is no login for %s in %s", host, place)
	}
	return nil
}
