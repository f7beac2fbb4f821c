package main

import (
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

// What is set when a release is built, each with -ldflags "-X main.version=v1.2.3": the version, the
// commit in full, and the commit's date in RFC 3339. Empty where nobody set it.
var version, commit, date string

func newVersionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the program's version",
		Long: `Show the program's version, the commit that it was built from with its date, and the
Go version that built it.`,
		Example: `  pgrelocate version
  pgrelocate version -o json`,
		Args: noArgs,
		RunE: a.with(func(_ context.Context, cfg *config.Config, _ []string) error {
			return a.print(cfg, view.NewVersion(view.Build{Version: programVersion(), Commit: commit, Date: date}))
		}),
	}
	a.settings.AddFlags(cmd.Flags(), config.Output)
	return cmd
}

// programVersion is what the linker set, else what `go install MODULE@VERSION` recorded.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// userAgent is what registries see of the program.
func userAgent() string { return "pgrelocate/" + programVersion() }
