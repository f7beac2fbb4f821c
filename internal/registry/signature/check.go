package signature

import (
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// check holds a signature against everybody who is trusted. What is signed is opened anew for each.
func (t *Trust) check(signed *bundle.Bundle, artifact func() verify.ArtifactPolicyOption) (*By, error) {
	content, err := signed.VerificationContent()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	certified := content.Certificate() != nil
	why := errors.New("it is made with a key, and no key is trusted")
	if certified {
		why = errors.New("it is an identity's, and no identity is trusted")
	}
	for _, a := range t.asked {
		if certified != (a.key == "") {
			continue
		}
		result, err := a.verifier.Verify(signed, verify.NewPolicy(artifact(), a.policy...))
		if err == nil {
			return a.by(result), nil
		}
		why = err
	}
	return nil, fmt.Errorf("%w: %w", ErrUntrusted, why)
}

func (a *asked) by(result *verify.VerificationResult) *By {
	by := &By{Key: a.key}
	if a.key == "" && result.Signature != nil && result.Signature.Certificate != nil {
		by.Identity, by.Issuer = result.Signature.Certificate.SubjectAlternativeName, result.Signature.Certificate.Issuer
	}
	for _, seen := range result.VerifiedTimestamps {
		if by.Logged.IsZero() || seen.Timestamp.Before(by.Logged) {
			by.Logged = seen.Timestamp
		}
	}
	return by
}

// recovered makes an error of a panic. The bytes come from strangers and go through parsers of
// several other projects: one that trips over them must not take the run with it, and a signature
// that cannot be read signs nothing.
func recovered(err *error) {
	if trouble := recover(); trouble != nil {
		*err = fmt.Errorf("%w: %v", ErrMalformed, trouble)
	}
}
