package lock

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Checked is what was checked of an artifact before it was let through.
type Checked struct {
	// Signed is the digest that is signed: the source's. It is empty where no signature was asked for.
	Signed string `json:"signed,omitempty"`
	// Key is the fingerprint of the public key by which it is signed; or Identity is who has, and
	// Issuer who says so.
	Key      string `json:"key,omitempty"`
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	// Created is when it was made, by its vendor's word, where its age was asked for.
	Created string `json:"created,omitempty"`
	// At is when it was checked first with this result; bundles, which tell no time, leave it out.
	At string `json:"at,omitempty"`
}

// NewChecked is what a plan says; nil where nothing was checked.
func NewChecked(c *plan.Checked) *Checked {
	if c == nil {
		return nil
	}
	return &Checked{
		Signed: c.Digest, Key: c.Key, Identity: c.Identity, Issuer: c.Issuer,
		Created: stamp(c.Created), At: stamp(c.At),
	}
}

// Plan is what the lock says as plans do; nil for nil.
func (c *Checked) Plan() *plan.Checked {
	if c == nil {
		return nil
	}
	known := &plan.Checked{Digest: c.Signed, Key: c.Key, Identity: c.Identity, Issuer: c.Issuer}
	known.Created, _ = time.Parse(time.RFC3339, c.Created) // they have been checked
	known.At, _ = time.Parse(time.RFC3339, c.At)
	return known
}

// Checks finds what the lock says was checked of an artifact, by its target and its digest; nil is nothing.
func (l *Lock) Checks() func(*plan.Artifact) *plan.Checked {
	known := map[ref.Reference]*Artifact{}
	for i := range l.Artifacts {
		if a := &l.Artifacts[i]; a.Checked != nil {
			known[a.Target] = a
		}
	}
	return func(a *plan.Artifact) *plan.Checked {
		if was, ok := known[a.Target]; ok && was.Digest.String() == a.Digest {
			return was.Checked.Plan()
		}
		return nil
	}
}

// Then keeps an earlier result where a later one says the same: it has held since then.
func (c *Checked) Then(later *Checked) *Checked {
	switch {
	case later == nil:
		return c
	case c == nil:
		return later
	}
	next := *later
	if next.Created == "" { // only what moves is asked for its age
		next.Created = c.Created
	}
	same := next
	same.At = c.At
	if same == *c {
		return c
	}
	return &next
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// mostWords is more than any key's fingerprint or identity has.
const mostWords = 4096

// check finds what nobody has checked.
func (c *Checked) check() error {
	if c == nil {
		return nil
	}
	for _, text := range []string{c.Key, c.Identity, c.Issuer} {
		if len(text) > mostWords {
			return fmt.Errorf("%d bytes cannot be who has signed", len(text))
		}
	}
	if c.Signed != "" {
		if _, err := v1.NewHash(c.Signed); err != nil {
			return err
		}
	}
	for _, text := range []string{c.Created, c.At} {
		if _, err := time.Parse(time.RFC3339, text); text != "" && err != nil {
			return fmt.Errorf("%q is no time", text)
		}
	}
	return nil
}
