package about

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// NewConfigCommand makes `pgrelocate config`.
func NewConfigCommand(a *app.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings and where each came from",
		Long: `Show every setting with its value and where that came from: a flag, the environment,
a config file, or the default. Credentials are never shown; their lines only say where
they would come from.

A setting can stand in three places; the first that has it wins:

  1. a flag:                  --registry registry.example.com
  2. the environment:         PGRELOCATE_REGISTRY=registry.example.com
  3. a config file:           registry: registry.example.com

Config files are ./pgrelocate.yaml and, weaker, pgrelocate/config.yaml in
$XDG_CONFIG_HOME (usually ~/.config). --config FILE or PGRELOCATE_CONFIG names one file
to be read instead of both.`,
		Example: `  # what would "copy" use here?
  pgrelocate config

  # the same for a script
  pgrelocate config -o json`,
		Args: usage.NoArgs,
		RunE: a.With(func(ctx context.Context, cfg *config.Config, _ []string) error {
			// Where logins are kept may be a pipe.
			made, err := heed.Call(ctx, func() (view.Config, error) {
				return view.NewConfig(a.Settings, a.Session(cfg).Hosts()), nil
			})
			if err != nil {
				return err
			}
			return a.Print(cfg, made)
		}),
	}
	a.Settings.AddFlags(cmd.Flags(), config.Selection, config.Charts, config.Discovery, config.Sides, config.Connection, config.Copying, config.Lock, config.State, config.Access, config.Place, config.PullSecret, config.InstanceNamespaces, config.Output)
	return cmd
}
