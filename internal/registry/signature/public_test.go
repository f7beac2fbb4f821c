package signature

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/testing/data"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// What the public sigstore signs: the certificate stands in a log of certificates, the statement in
// its own. This one is of a package of npm's, so that all but its meaning is as it is of an image.
func TestPublicSigstore(t *testing.T) {
	root, err := data.TrustedRoot(t, "public-good.json").MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	signed := data.Bundle(t, "sigstore.js@2.0.0-provenance.sigstore.json")
	var said struct {
		Subject []struct{ Digest map[string]string }
	}
	if err := json.Unmarshal(signed.GetDsseEnvelope().GetPayload(), &said); err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(said.Subject[0].Digest["sha512"])
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		pattern string
		want    error
	}{
		{"https://github.com/sigstore/sigstore-js/.*", nil},
		{"https://github.com/sigstore/sigstore", ErrUntrusted},
	} {
		trust, err := NewTrust(Options{Root: root, Identities: []Identity{{SubjectPattern: tt.pattern, Issuer: "https://token.actions.githubusercontent.com"}}})
		if err != nil {
			t.Fatal(err)
		}
		by, err := trust.check(signed, func() verify.ArtifactPolicyOption { return verify.WithArtifactDigest("sha512", raw) })
		if !errors.Is(err, tt.want) || err == nil && by.Logged.Year() != 2023 {
			t.Errorf("%s: %+v, %v; want %v", tt.pattern, by, err, tt.want)
		}
	}
	text, err := signed.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := NewTrust(Options{Root: root, Identities: []Identity{{SubjectPattern: ".*", IssuerPattern: ".*"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Bundle(Subject{Digest: v1.Hash{Algorithm: "sha512", Hex: hex.EncodeToString(raw)}}, text); !errors.Is(err, ErrOther) {
		t.Errorf("provenance is taken for a signature: %v", err)
	}
}
