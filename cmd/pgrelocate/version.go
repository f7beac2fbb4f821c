package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// version is set when a release is built: -ldflags "-X main.version=v1.2.3".
var version = ""

func newVersionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the program's version",
		Long:  "Show the program's version, the commit it was built from and the Go version that built it.",
		Example: `  pgrelocate version
  pgrelocate version -o json`,
		Args: noArgs,
		RunE: a.with(func(_ context.Context, cfg *config.Config, _ []string) error {
			return a.print(cfg, buildInfo())
		}),
	}
	a.settings.AddFlags(cmd.Flags(), config.Output)
	return cmd
}

// versionView is the result of `pgrelocate version`.
type versionView struct {
	output.Header
	Version string `json:"version"`
	// Commit is the revision of the source; empty where the build does not know it.
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v versionView) WriteTable(w io.Writer) error {
	commit := ""
	if len(v.Commit) >= 12 {
		commit = ", commit " + v.Commit[:12]
	}
	_, err := fmt.Fprintf(w, "pgrelocate %s (%s %s%s)\n", v.Version, v.Go, v.Platform, commit)
	return err
}

func buildInfo() versionView {
	view := versionView{
		Header:   output.NewHeader("Version"),
		Version:  programVersion(),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				view.Commit = s.Value
			case "vcs.modified":
				view.Modified = s.Value == "true"
			}
		}
	}
	return view
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
