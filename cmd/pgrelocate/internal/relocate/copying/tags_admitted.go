package copying

import (
	"context"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// NotAdmittedError says that not all that a plan names is what the rules ask for, so that no tag was put.
type NotAdmittedError struct {
	// Of is how many artifacts the plan has.
	Of int
	// Failed are the reasons, one for each that is not.
	Failed []error
}

// Error has the first of them.
func (e *NotAdmittedError) Error() string {
	return fmt.Sprintf("%d of %s cannot be let through, and no tag was put; the first: %v",
		len(e.Failed), output.Count(e.Of, "artifact"), e.Failed[0])
}

// Unwrap returns the reasons.
func (e *NotAdmittedError) Unwrap() []error { return e.Failed }

// admitted holds all that is to get a tag against the rules, at its source, as a copy of it would: what
// lies at the target by its digest may have come there in a run that asked for nothing. It returns what was
// checked; nothing where there are no rules.
func (p *Planning) admitted(ctx context.Context, artifacts []versions.Artifact) (map[ref.Reference]*plan.Checked, error) {
	if p.Rules.None() {
		return nil, nil
	}
	opts := plan.Options{
		Admit: p.Rules.Admit(), OnConflict: plan.ConflictFail, WithoutAttachments: true,
		Platforms: p.Config.Platforms, Index: p.Config.Index, Pins: map[ref.Reference]plan.Pin{},
	}
	for _, a := range p.reviewed.Artifacts {
		pin := a.Reviewed()
		pin.Attached, pin.Ask = nil, true
		opts.Pins[a.Target] = pin
	}
	asked, err := plan.New(ctx, p.Sides, artifacts, opts)
	if err != nil {
		return nil, err
	}
	checked, refused := map[ref.Reference]*plan.Checked{}, &NotAdmittedError{Of: len(asked.Artifacts)}
	for _, a := range asked.Artifacts {
		if a.Err != nil {
			refused.Failed = append(refused.Failed, a.Err)
		}
		checked[a.Target] = a.Checked
	}
	if len(refused.Failed) > 0 {
		return nil, refused
	}
	return checked, nil
}
