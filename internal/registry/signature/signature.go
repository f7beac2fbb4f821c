// Package signature tells whether somebody who is trusted has signed an artifact. It works on
// bytes that others have fetched, asks nobody, and trusts nothing but what it was given: public
// keys, and identities with the trust root that vouches for them.
//
//	trust, err := signature.NewTrust(signature.Options{Keys: []signature.Key{{Name: "cosign.pub", PEM: pem}}})
//	by, err := trust.Simple(signature.Subject{Digest: digest}, payload, annotations)
package signature

import (
	"errors"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The bounds of what one signature may come to, in bytes.
const (
	// MaxPayload is more than any simple signing payload has.
	MaxPayload = 64 << 10
	// MaxBundle is more than any signature of an image has: only attestations are larger.
	MaxBundle = 1 << 20
)

// Why a signature is not taken; errors.Is tells them.
var (
	// ErrOther: it is well-formed, and for another artifact, or about something else than that the
	// artifact is signed.
	ErrOther = errors.New("signed is something else")
	// ErrUntrusted: nobody who is trusted has made it.
	ErrUntrusted = errors.New("not by anyone who is trusted")
	// ErrMalformed: it cannot be read.
	ErrMalformed = errors.New("not a signature that can be read")
)

// Subject is what has to be signed.
type Subject struct {
	// Digest is the artifact's.
	Digest v1.Hash
	// References are names, HOST/REPOSITORY[:TAG], one of which the signature has to name too.
	// None asks for no name: who holds the digest holds the content, whatever it is called.
	References []string
}

// By is who has signed.
type By struct {
	// Key is the fingerprint of the public key, "sha256:…" over its DER form; empty where the
	// signature is an identity's.
	Key string `json:"key,omitempty"`
	// Identity is who it was by the certificate, and Issuer who had identified them.
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	// Logged is when a log or an authority saw the signature; zero where none was asked.
	Logged time.Time `json:"-"`
}

// String names the key or the identity.
func (b By) String() string {
	if b.Key != "" {
		return "key " + b.Key
	}
	return b.Identity + " (" + b.Issuer + ")"
}
