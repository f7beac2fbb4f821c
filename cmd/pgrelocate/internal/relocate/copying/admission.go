package copying

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

// rules are what artifacts have to be for them to be copied. The zero value asks nothing.
type rules struct {
	checker *admission.Checker
	// trust is whose signatures will do, once it was read.
	trust *signature.Trust
	// known is what a lock says was checked; nil is nothing.
	known func(*plan.Artifact) *plan.Checked
}

// read finds out, once, what the settings ask for. It asks no registry for anything.
func (r *rules) read(ctx context.Context, cfg *config.Config) error {
	if r.checker != nil {
		return nil
	}
	asked := admission.Rules{
		Named: cfg.VerifyName, Unsigned: cfg.AllowUnsigned,
		MinAge: cfg.MinAge, AnyAge: cfg.AllowUnknownAge,
		Known: func(a *plan.Artifact) *plan.Checked {
			if r.known == nil {
				return nil
			}
			return r.known(a)
		},
	}
	if r.trust == nil {
		var err error
		if r.trust, err = trust(ctx, cfg); err != nil {
			return err
		}
	}
	asked.Trust = r.trust
	if asked.Trust != nil || asked.MinAge > 0 {
		r.checker = admission.New(asked)
	}
	return nil
}

// admit holds artifacts against the rules; nil where there are none.
func (r *rules) admit() func(context.Context, *plan.Artifact) error {
	if r.checker == nil {
		return nil
	}
	return r.checker.Admit
}

// asks tells whether what a lock says of an artifact is not enough.
func (r *rules) asks(a lock.Artifact) bool {
	return r.checker != nil && r.checker.Asks(&plan.Artifact{Artifact: a.Artifact}, a.Checked.Plan())
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
