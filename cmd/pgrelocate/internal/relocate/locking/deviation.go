package locking

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// DeviationError says in what a run would deviate from a file that it is to be held against.
// Nothing has been moved.
type DeviationError struct {
	// Path is the file.
	Path string
	// Differences are a line each.
	Differences []string
}

// Error lists the differences.
func (e *DeviationError) Error() string {
	const shown = 20
	lines := e.Differences
	if len(lines) > shown {
		lines = append(slices.Clone(lines[:shown]), fmt.Sprintf("and %d more", len(lines)-shown))
	}
	return fmt.Sprintf("this run deviates from %s, and nothing was moved:\n  %s", e.Path, strings.Join(lines, "\n  "))
}

// Unwrap returns registry.ErrDrift.
func (e *DeviationError) Unwrap() error { return registry.ErrDrift }

// SelectionDeviates lists what is selected otherwise than a lock says.
func SelectionDeviates(s *relocate.Session, artifacts []versions.Artifact, was *lock.Lock) []string {
	var all []string
	if was.Selection != nil {
		all = SelectionOf(s, artifacts).Differences(was.Selection)
	}
	wanted := map[ref.Reference]bool{}
	for _, a := range was.Artifacts {
		wanted[a.Target] = !a.Retired
	}
	for _, a := range artifacts {
		if !wanted[a.Target] {
			all = append(all, fmt.Sprintf("%s is selected, and not in the lock", a.Target))
		}
		delete(wanted, a.Target)
	}
	for _, a := range was.Artifacts {
		if wanted[a.Target] {
			all = append(all, fmt.Sprintf("%s is in the lock, and not selected", a.Target))
		}
	}
	return all
}

// ContentDeviates lists what a plan has that a lock has not.
func ContentDeviates(planned *plan.Plan, was *lock.Lock) []string {
	attached := map[ref.Reference][]string{}
	for _, a := range was.Artifacts {
		for _, digest := range a.Attachments {
			attached[a.Target] = append(attached[a.Target], digest.String())
		}
	}
	var all []string
	for _, a := range planned.Artifacts {
		if errors.Is(a.Err, registry.ErrDrift) {
			all = append(all, (&relocate.ArtifactError{Artifact: a.Artifact, Err: a.Err}).Error())
		}
		for _, attachment := range a.Attachments {
			_, digest, _ := strings.Cut(attachment, "@")
			if was.Schema == lock.Schema && !slices.Contains(attached[a.Target], digest) {
				all = append(all, fmt.Sprintf("%s is attached to %s at the source, and not in the lock", digest, a.Target))
			}
		}
	}
	return all
}
