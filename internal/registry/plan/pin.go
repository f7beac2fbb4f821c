package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Pin is what an artifact was the last time, or what somebody has reviewed that it will be. An
// artifact that the target holds so is present, and its source is not asked; what differs from
// it is drift.
type Pin struct {
	// Digest and MediaType are those of the manifest at the target.
	Digest, MediaType string
	// Reviewed says that nothing is pinned to be at the target yet: it may hold what it did when
	// the plan was made, Held, which is empty where the tag was not there.
	Reviewed bool
	Held     string
	// Ask has the source asked all the same where the artifact is one platform's image of an index: it
	// is the index that is signed, and it is not known to be.
	Ask bool
	// Named are the tags or digests of what the target had attached to it; a check looks for them.
	Named []string
	// Attached are the digests of what was reviewed to travel along; nothing else does.
	Attached []string
}

// Drift is a digest that is not what a pin says.
type Drift struct {
	// Side is where.
	Side registry.Side
	// Locked is what should be there, Found what is; empty is nothing.
	Locked string
	Found  string
}

// DriftError says that a side has something else than a pin says, and that Options.AllowDrift is
// not set. It unwraps to registry.ErrDrift.
type DriftError struct {
	Drift
	// Reviewed says that the pin stands in a plan, and not in a lock.
	Reviewed bool
}

// Error names both digests.
func (e *DriftError) Error() string {
	by := "the lock"
	if e.Reviewed {
		by = "the plan"
	}
	return fmt.Sprintf("%v: %s has %s, and there is %s now", registry.ErrDrift, by, orNothing(e.Locked), orNothing(e.Found))
}

func orNothing(digest string) string {
	if digest == "" {
		return "nothing"
	}
	return digest
}

// Unwrap returns registry.ErrDrift.
func (e *DriftError) Unwrap() error { return registry.ErrDrift }

// pin is what is pinned of an artifact.
func (p *planner) pin(a *Artifact) (Pin, bool) {
	pin, ok := p.opts.Pins[a.Target]
	return pin, ok
}

// settle takes an artifact for present whose target holds what is pinned, so that nothing has to
// be asked of its source. Where something was reviewed to travel along the source has to be asked.
func (p *planner) settle(ctx context.Context, a *Artifact) (bool, error) {
	pin, pinned := p.pin(a)
	if !pinned || p.opts.Refresh || pin.Ask && p.opts.changes() || a.TargetDigest != pin.Digest || len(pin.Attached) > 0 {
		return false, nil
	}
	a.State, a.Settled = StatePresent, true
	a.Digest, a.MediaType = pin.Digest, pin.MediaType
	if err := p.check(ctx, a); err != nil {
		return true, err
	}
	a.Settled = a.State == StatePresent
	if err := p.drifted(a); err != nil { // what is gone is read from the source
		return true, err
	}
	if a.Digest != a.TargetDigest {
		a.State, a.Missing = StateUpdate, nil
	}
	return true, nil
}

// targetMoved finds out whether the target's tag is other than pinned. What was reviewed to be
// replaced may be there still.
func (p *planner) targetMoved(a *Artifact) bool {
	pin, pinned := p.pin(a)
	if !pinned || a.TargetDigest == pin.Digest || pin.Reviewed && a.TargetDigest == pin.Held {
		return false
	}
	if a.TargetDigest == "" && !pin.Reviewed {
		return false // it is gone, and will be put back
	}
	locked := pin.Digest
	if pin.Reviewed {
		locked = pin.Held
	}
	a.Drift = append(a.Drift, Drift{Side: registry.SideTarget, Locked: locked, Found: a.TargetDigest})
	return true
}

// stops tells whether a tag that somebody has moved stops its artifact. A reviewed plan knows of no
// conflict but those that it replaces.
func (p *planner) stops(a *Artifact) bool {
	pin, _ := p.pin(a)
	return pin.Reviewed || p.opts.OnConflict == "" || p.opts.OnConflict == ConflictFail
}

// unreviewed refuses what has been attached to an artifact since its plan was reviewed. What the target
// had and has lost, which is restored, nobody had to review.
func (p *planner) unreviewed(a *Artifact, restored []string) error {
	pin, _ := p.pin(a)
	if !pin.Reviewed {
		return nil
	}
	for _, attached := range a.Attachments {
		_, digest, _ := strings.Cut(attached, "@")
		if slices.Contains(pin.Attached, digest) || slices.Contains(restored, digest) {
			continue
		}
		drift := Drift{Side: registry.SideSource, Found: digest}
		a.Drift = append(a.Drift, drift)
		at := a.Source
		at.Tag, at.Digest = "", digest
		return &registry.Error{Op: "comparing", Side: drift.Side, Ref: at.String(), Err: &DriftError{Drift: drift, Reviewed: true}}
	}
	return nil
}

// drifted refuses a source that has other content than is pinned, unless that is allowed.
func (p *planner) drifted(a *Artifact) error {
	pin, pinned := p.pin(a)
	if !pinned || a.Digest == pin.Digest {
		return nil
	}
	a.Drift = append(a.Drift, Drift{Side: registry.SideSource, Locked: pin.Digest, Found: a.Digest})
	if p.opts.AllowDrift {
		return nil
	}
	return p.driftError(a, registry.SideSource)
}

// driftError says what has drifted on a side; nil where nothing has.
func (p *planner) driftError(a *Artifact, side registry.Side) error {
	pin, _ := p.pin(a)
	for _, drift := range a.Drift {
		if drift.Side == side {
			reference := a.Target
			if side == registry.SideSource {
				reference = a.Source
			}
			return &registry.Error{Op: "comparing", Side: side, Ref: reference.String(), Err: &DriftError{Drift: drift, Reviewed: pin.Reviewed}}
		}
	}
	return nil
}

// ours tells whether the target's tag holds what a lock says that we have put there, or what
// somebody has reviewed that it will be replaced: then moving it takes nothing from anybody.
func (p *planner) ours(a *Artifact) bool {
	pin, pinned := p.pin(a)
	return pinned && (a.TargetDigest == pin.Digest || pin.Reviewed && a.TargetDigest == pin.Held)
}
