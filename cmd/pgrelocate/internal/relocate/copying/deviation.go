package copying

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
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

// needLock wants a lock where a run is to change nothing about it.
func (p *Planning) needLock(context.Context) error {
	if !p.asked.Locked || p.lockFile.Was != nil {
		return nil
	}
	return &exit.UsageError{Err: &locking.Error{Path: cmp.Or(p.lockFile.Path, config.LocalLock), Err: locking.ErrNoLock}}
}

// checkSelection holds what is selected against the lock, before anything is asked.
func (p *Planning) checkSelection(context.Context) error {
	if !p.asked.Locked {
		return nil
	}
	return p.deviating(p.selectionDeviates(p.lockFile.Was, "the lock"))
}

// selectionDeviates lists what is selected otherwise than a lock or a plan says.
func (p *Planning) selectionDeviates(was *lock.Lock, name string) []string {
	var all []string
	if was.Selection != nil {
		for _, d := range locking.SelectionOf(p.Session, p.Artifacts).Differences(was.Selection) {
			all = append(all, strings.Replace(d, "the lock", name, 1))
		}
	}
	wanted := map[ref.Reference]bool{}
	for _, a := range was.Artifacts {
		wanted[a.Target] = !a.Retired
	}
	for _, a := range p.Artifacts {
		if !wanted[a.Target] {
			all = append(all, fmt.Sprintf("%s is selected, and not in %s", a.Target, name))
		}
		delete(wanted, a.Target)
	}
	for _, a := range was.Artifacts {
		if wanted[a.Target] {
			all = append(all, fmt.Sprintf("%s is in %s, and not selected", a.Target, name))
		}
	}
	return all
}

// checkPlan holds what would be moved against the lock.
func (p *Planning) checkPlan(context.Context) error {
	if !p.asked.Locked {
		return nil
	}
	return p.deviating(contentDeviates(p.Plan, p.lockFile.Was, "the lock"))
}

// contentDeviates lists what a plan has that a lock, or a reviewed plan, has not.
func contentDeviates(planned *plan.Plan, was *lock.Lock, name string) []string {
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
				all = append(all, fmt.Sprintf("%s is attached to %s at the source, and not in %s", digest, a.Target, name))
			}
		}
	}
	return all
}

// deviating is the error of a run that is held against its lock; nil where it does as that says.
func (p *Planning) deviating(differences []string) error {
	if len(differences) == 0 {
		return nil
	}
	return &exit.DriftError{Err: &DeviationError{Path: p.lockFile.Path, Differences: differences}}
}
