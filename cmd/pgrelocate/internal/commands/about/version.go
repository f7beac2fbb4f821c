package about

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

// NewVersionCommand makes `pgrelocate version`.
func NewVersionCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the program's version",
		Long: `Show the program's version, the commit that it was built from with its date, and the
Go version that built it.`,
		Example: `  pgrelocate version
  pgrelocate version -o json`,
		Args: usage.NoArgs,
		RunE: a.With(func(_ context.Context, cfg *config.Config, _ []string) error {
			return a.Print(cfg, view.NewVersion(a.Build))
		}),
	}
	a.Settings.AddFlags(cmd.Flags(), config.Output)
	return cmd
}
