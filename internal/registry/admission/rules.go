// Package admission decides whether an artifact may be copied: whether somebody who is trusted has
// signed it, and whether it is old enough for others to have looked at it. It reads at the source
// what it needs for that, within bounds, and no layer of an image.
//
//	checker := admission.New(admission.Rules{Trust: trust, MinAge: 48 * time.Hour})
//	planned, err := plan.New(ctx, sides, artifacts, plan.Options{Admit: checker.Admit})
package admission

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature"
)

// Rules are what is asked of an artifact. The zero value asks nothing.
type Rules struct {
	// Trust is who may have signed; nil asks for no signature.
	Trust *signature.Trust
	// Named wants a signature to name the artifact's source, too: HOST/REPOSITORY, with or without
	// the tag. Content that is signed under one name is not let through under another.
	Named bool
	// Unsigned are patterns, in the form of path.Match, for what needs no signature:
	// HOST/REPOSITORY, REPOSITORY, or its last part.
	Unsigned []string
	// MinAge is how old an artifact has to be that is not at the target yet; 0 asks for no age.
	MinAge time.Duration
	// AnyAge lets through what says nothing credible of its age.
	AnyAge bool
	// Known is what was found out about an artifact earlier, and is known to be so still; nil, or nil
	// for an artifact, is nothing. It spares asking the source for the signature again.
	Known func(*plan.Artifact) *plan.Checked
	// Now is the time; nil is the machine's clock.
	Now func() time.Time
}

// Checker holds artifacts against rules. Use New; it is safe for concurrent use.
type Checker struct {
	rules Rules
	// reading bounds the memory that signatures take.
	reading chan struct{}

	mu    sync.Mutex
	known map[question]*answer
}

// question is what is asked of a source, once a run.
type question struct {
	origin    plan.Origin
	digest    string
	reference string
}

type answer struct {
	once sync.Once
	by   *signature.By
	err  error
}

// New returns a checker of the rules.
func New(rules Rules) *Checker {
	if rules.Now == nil {
		rules.Now = time.Now
	}
	return &Checker{rules: rules, reading: make(chan struct{}, 8), known: map[question]*answer{}}
}

// Admit holds an artifact of a plan against the rules, and notes in it what was checked. It is for
// plan.Options. Whether somebody has signed is asked of what is at the target already, too; how
// old it is, only of what would be moved.
func (c *Checker) Admit(ctx context.Context, a *plan.Artifact) error {
	if a.State == plan.StateSkip || a.State == plan.StateFailed {
		return nil
	}
	checked := &plan.Checked{At: c.rules.Now().UTC().Truncate(time.Second)}
	if c.rules.Trust != nil && !c.exempt(a) {
		if known := c.before(a); known != nil {
			checked = known
		} else {
			by, err := c.signed(ctx, a)
			if err != nil {
				return err
			}
			checked.Digest, checked.Key, checked.Identity, checked.Issuer = signedDigest(a), by.Key, by.Identity, by.Issuer
		}
	}
	if c.rules.MinAge > 0 && a.Moves() {
		created, err := c.aged(ctx, a)
		if err != nil {
			return err
		}
		checked.Created = created
	}
	if checked.Digest != "" || !checked.Created.IsZero() {
		a.Checked = checked
	}
	return nil
}

// before is what was checked earlier of an artifact that has not changed since, where that is enough
// for the rules as they are now.
func (c *Checker) before(a *plan.Artifact) *plan.Checked {
	if c.rules.Known == nil || a.Moves() {
		return nil
	}
	known := c.rules.Known(a)
	if known == nil || !c.trusts(known) {
		return nil
	}
	if a.SourceDigest != "" && a.SourceDigest != known.Digest {
		return nil
	}
	copied := *known
	return &copied
}

// trusts tells whether what was checked earlier is enough for the rules as they are now.
func (c *Checker) trusts(known *plan.Checked) bool {
	return known != nil && !c.rules.Named && known.Digest != "" &&
		c.rules.Trust.Trusts(signature.By{Key: known.Key, Identity: known.Identity, Issuer: known.Issuer})
}

// Asks tells whether signatures of an artifact have to be looked for at its source, whatever was
// checked of it earlier; nil is nothing.
func (c *Checker) Asks(a *plan.Artifact, known *plan.Checked) bool {
	return c.rules.Trust != nil && !c.exempt(a) && !c.trusts(known)
}

// signedDigest is what has to be signed: what the source has, or, where it was not asked since a lock
// says enough, what the target has.
func signedDigest(a *plan.Artifact) string {
	if a.SourceDigest == "" {
		return a.Digest
	}
	return a.SourceDigest
}

// exempt tells whether an artifact needs no signature.
func (c *Checker) exempt(a *plan.Artifact) bool {
	repository := a.Source.Repository
	for _, pattern := range c.rules.Unsigned {
		for _, name := range []string{a.Source.Host + "/" + repository, repository, repository[strings.LastIndexByte(repository, '/')+1:]} {
			if matches, err := path.Match(pattern, name); err == nil && matches {
				return true
			}
		}
	}
	return false
}

// CheckPattern says what is wrong with one of Rules.Unsigned.
func CheckPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}
