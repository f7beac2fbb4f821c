package signature

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// SignedPredicate is what a statement has to say for it to be a signature: "this is signed", and
// no more. Other statements about an artifact, an SBOM or a list of its weaknesses, are no signature
// of it.
const SignedPredicate = "https://sigstore.dev/cosign/sign/v1"

const bundleTypePrefix = "application/vnd.dev.sigstore.bundle"

// IsBundle tells whether a media type is that of a sigstore bundle, in any version.
func IsBundle(mediaType string) bool { return strings.HasPrefix(mediaType, bundleTypePrefix) }

// Bundle checks a signature in the form of a sigstore bundle.
func (t *Trust) Bundle(subject Subject, text []byte) (by *By, err error) {
	defer recovered(&err)
	if len(text) > MaxBundle {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrMalformed, len(text))
	}
	if err := jsonlimit.Check(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var signed bundle.Bundle
	if err := signed.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := subject.inBundle(&signed); err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(subject.Digest.Hex)
	if err != nil {
		return nil, err
	}
	return t.check(&signed, func() verify.ArtifactPolicyOption {
		return verify.WithArtifactDigest(subject.Digest.Algorithm, raw)
	})
}

// inBundle wants a statement in a bundle to be a signature, and about the subject. A signature of
// the artifact's bytes themselves needs no words, and has no name to be asked for.
func (s Subject) inBundle(signed *bundle.Bundle) error {
	envelope := signed.GetDsseEnvelope()
	if envelope == nil {
		if len(s.References) > 0 {
			return fmt.Errorf("%w: the content, under no name", ErrOther)
		}
		return nil
	}
	var said struct {
		PredicateType string `json:"predicateType"`
		Subject       []struct {
			Name   string            `json:"name"`
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	if err := jsonlimit.Unmarshal(envelope.GetPayload(), &said); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if said.PredicateType != SignedPredicate {
		return fmt.Errorf("%w: a statement of type %q", ErrOther, said.PredicateType)
	}
	for _, about := range said.Subject {
		if about.Digest[s.Digest.Algorithm] != s.Digest.Hex {
			continue
		}
		if len(s.References) == 0 || slices.Contains(s.References, about.Name) {
			return nil
		}
		return fmt.Errorf("%w: the name %q", ErrOther, about.Name)
	}
	return fmt.Errorf("%w: another digest", ErrOther)
}
