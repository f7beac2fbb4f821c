// Package admitting reads, for the use cases that move something, what artifacts have to be for that: signed by
// somebody who is trusted, and old enough.
package admitting

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/admission"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature"
)

// mostTrustBytes is more than any key or trust root has.
const mostTrustBytes = 4 << 20

// Rules are what artifacts have to be for them to be copied. The zero value asks nothing.
type Rules struct {
	checker *admission.Checker
	// Trust is whose signatures will do; nil before it was read.
	Trust *signature.Trust
	// Known is what a lock says was checked; nil is nothing.
	Known func(*plan.Artifact) *plan.Checked
}

// Read finds out, once, what the settings ask for. It asks no registry for anything.
func (r *Rules) Read(ctx context.Context, cfg *config.Config) error {
	if r.checker != nil {
		return nil
	}
	asked := admission.Rules{
		Named: cfg.VerifyName, Unsigned: cfg.AllowUnsigned,
		MinAge: cfg.MinAge, AnyAge: cfg.AllowUnknownAge,
		Known: func(a *plan.Artifact) *plan.Checked {
			if r.Known == nil {
				return nil
			}
			return r.Known(a)
		},
	}
	if r.Trust == nil {
		var err error
		if r.Trust, err = trust(ctx, cfg); err != nil {
			return err
		}
	}
	asked.Trust = r.Trust
	if asked.Trust != nil || asked.MinAge > 0 {
		r.checker = admission.New(asked)
	}
	return nil
}

// None tells that nothing is asked.
func (r *Rules) None() bool { return r.checker == nil }

// Admit holds artifacts against the rules; nil where there are none.
func (r *Rules) Admit() func(context.Context, *plan.Artifact) error {
	if r.None() {
		return nil
	}
	return r.checker.Admit
}

// Asks tells whether what a lock says of an artifact is not enough.
func (r *Rules) Asks(a lock.Artifact) bool {
	return !r.None() && r.checker.Asks(&plan.Artifact{Artifact: a.Artifact}, a.Checked.Plan())
}

// trust is whose signatures will do; nil where none is asked for.
func trust(ctx context.Context, cfg *config.Config) (*signature.Trust, error) {
	named := len(cfg.VerifyIdentities) > 0 || cfg.VerifyIdentityPattern != ""
	switch {
	case len(cfg.VerifyKeys) > 0 || named:
	case cfg.VerifyIssuer != "" || cfg.VerifyIssuerPattern != "" || cfg.TrustedRoot != "" || cfg.VerifyName || len(cfg.AllowUnsigned) > 0:
		return nil, exit.Usagef("whose signature will do? No key and no identity is named")
	default:
		return nil, nil
	}
	opts, err := trusted(ctx, cfg)
	if err != nil {
		return nil, err
	}
	trust, err := signature.NewTrust(opts)
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	return trust, nil
}

// trusted reads the keys and the trust root.
func trusted(ctx context.Context, cfg *config.Config) (opts signature.Options, err error) {
	for _, name := range cfg.VerifyKeys {
		text, err := readTrust(ctx, name)
		if err != nil {
			return opts, err
		}
		opts.Keys = append(opts.Keys, signature.Key{Name: name, PEM: text})
	}
	if cfg.TrustedRoot != "" {
		if opts.Root, err = readTrust(ctx, cfg.TrustedRoot); err != nil {
			return opts, err
		}
	}
	identity := signature.Identity{Issuer: cfg.VerifyIssuer, IssuerPattern: cfg.VerifyIssuerPattern}
	for _, subject := range cfg.VerifyIdentities {
		identity.Subject = subject
		opts.Identities = append(opts.Identities, identity)
	}
	if cfg.VerifyIdentityPattern != "" {
		identity.Subject, identity.SubjectPattern = "", cfg.VerifyIdentityPattern
		opts.Identities = append(opts.Identities, identity)
	}
	return opts, nil
}

func readTrust(ctx context.Context, name string) ([]byte, error) {
	text, err := files.ReadSmall(ctx, name, mostTrustBytes)
	switch {
	case errors.Is(err, files.ErrTooLarge):
		return nil, fmt.Errorf("%s: too large to be a key or a trust root", name)
	case err != nil:
		return nil, exit.Misnamed(err)
	}
	return text, nil
}
