package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// failures collects artifacts that failed, for one error at the end. Use newFailures.
type failures struct {
	partial exit.PartialError
	sources []versions.Artifact
}

// newFailures is for a run of that many artifacts.
func newFailures(total int) *failures {
	return &failures{partial: exit.PartialError{Thing: "artifacts", Total: total}}
}

// add shows why an artifact failed. Most reasons name the artifact themselves.
func (f *failures) add(a *app, artifact versions.Artifact, err error) {
	f.partial.Errors = append(f.partial.Errors, err)
	f.sources = append(f.sources, artifact)
	reason := err.Error()
	if name := output.Short(artifact.Target); !strings.Contains(reason, name) {
		reason = name + ": " + reason
	}
	a.say(terminal.Red, "failed: ", "%s", reason)
}

// lacking shows what an artifact lacks that is at the target.
func (f *failures) lacking(a *app, artifact versions.Artifact, err error) {
	f.partial.Incomplete = append(f.partial.Incomplete, err)
	for reason := range strings.Lines(err.Error()) {
		a.say(terminal.Red, "incomplete: ", "%s: %s", output.Short(artifact.Target), strings.TrimSpace(reason))
	}
}

// err counts the failures; nil where there are none.
func (f *failures) err() error {
	switch {
	case len(f.partial.Errors)+len(f.partial.Incomplete) == 0:
		return nil
	case len(f.partial.Errors) == f.partial.Total && f.allMissing():
		f.partial.Advice = fmt.Sprintf("nothing at all was found in %s: does it lie in another folder (--source HOST/PATH)?", sourceFolder(f.sources))
	}
	return &f.partial
}

// allMissing tells whether nothing was there at the source: then the place is wrong, and
// not the artifacts.
func (f *failures) allMissing() bool {
	for _, err := range f.partial.Errors {
		var failed *registry.Error
		if !errors.As(err, &failed) || failed.Side != registry.SideSource || !errors.Is(err, registry.ErrNotFound) {
			return false
		}
	}
	return true
}
