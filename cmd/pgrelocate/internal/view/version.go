package view

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// Build is what the linker was told of the program; empty where it was told nothing.
type Build struct {
	// Version is as programs have it, v1.2.3; Commit a revision in full; Date is the commit's, in
	// RFC 3339.
	Version, Commit, Date string
}

// Version is the result of `pgrelocate version`.
type Version struct {
	output.Header
	Version string `json:"version"`
	// Commit is the revision of the source; empty where the build does not know it.
	Commit string `json:"commit,omitempty"`
	// Date is the commit's, in RFC 3339; empty where the build does not know it.
	Date     string `json:"date,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// WriteTable writes one line.
func (v Version) WriteTable(w io.Writer) error {
	source := ""
	if len(v.Commit) >= 12 {
		source = ", commit " + v.Commit[:12]
	}
	if len(v.Date) >= len(time.DateOnly) {
		source += " of " + v.Date[:len(time.DateOnly)]
	}
	_, err := fmt.Fprintf(w, "pgrelocate %s (%s %s%s)\n", v.Version, v.Go, v.Platform, source)
	return err
}

// NewVersion shows the running program: what the linker was told, else what the Go tool recorded.
func NewVersion(build Build) Version {
	view := Version{
		Header:   output.NewHeader("Version"),
		Version:  build.Version,
		Commit:   build.Commit,
		Date:     build.Date,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				view.Commit = cmp.Or(view.Commit, s.Value)
			case "vcs.time":
				view.Date = cmp.Or(view.Date, s.Value)
			case "vcs.modified":
				view.Modified = s.Value == "true"
			}
		}
	}
	return view
}
