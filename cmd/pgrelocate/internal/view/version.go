package view

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// Version is the result of `pgrelocate version`.
type Version struct {
	output.Header
	Version string `json:"version"`
	// Commit is the revision of the source; empty where the build does not know it.
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// WriteTable writes one line.
func (v Version) WriteTable(w io.Writer) error {
	commit := ""
	if len(v.Commit) >= 12 {
		commit = ", commit " + v.Commit[:12]
	}
	_, err := fmt.Fprintf(w, "pgrelocate %s (%s %s%s)\n", v.Version, v.Go, v.Platform, commit)
	return err
}

// NewVersion shows the build of the running program, which has that version.
func NewVersion(version string) Version {
	view := Version{
		Header:   output.NewHeader("Version"),
		Version:  version,
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
