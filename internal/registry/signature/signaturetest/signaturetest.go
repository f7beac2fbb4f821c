// Package signaturetest is for tests: it signs, with keys and as identities of a sigstore of its
// own, in the forms in which cosign does.
package signaturetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	sigstore "github.com/sigstore/sigstore/pkg/signature"
)

// Key is a pair of keys.
type Key struct {
	t      testing.TB
	signer sigstore.Signer
	// PEM is the public one.
	PEM []byte
	// Fingerprint is "sha256:…" of the public one.
	Fingerprint string
}

// NewKey makes a pair of keys as cosign does.
func NewKey(t testing.TB) *Key { return NewKeyOn(t, elliptic.P256(), crypto.SHA256) }

// NewKeyOn makes a pair of keys on a curve, to sign with a hash.
func NewKeyOn(t testing.TB, curve elliptic.Curve, hash crypto.Hash) *Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(t, err)
	signer, err := sigstore.LoadSigner(private, hash)
	must(t, err)
	text, err := cryptoutils.MarshalPublicKeyToPEM(private.Public())
	must(t, err)
	der, err := cryptoutils.MarshalPublicKeyToDER(private.Public())
	must(t, err)
	sum := sha256.Sum256(der)
	return &Key{t: t, signer: signer, PEM: text, Fingerprint: "sha256:" + hex.EncodeToString(sum[:])}
}

func (k *Key) sign(message []byte) []byte {
	k.t.Helper()
	raw, err := k.signer.SignMessage(bytes.NewReader(message))
	must(k.t, err)
	return raw
}

// Payload is what cosign signs in its classic form.
func Payload(digest v1.Hash, reference string) []byte {
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`,
		reference, digest)
}

// Simple signs a payload in the classic form, and returns the annotations of its layer.
func (k *Key) Simple(payload []byte) map[string]string {
	k.t.Helper()
	return map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(k.sign(payload))}
}

// Statement is what cosign signs in a bundle; another predicate makes it something else.
func Statement(digest v1.Hash, predicate string) []byte {
	text, err := json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{map[string]any{"digest": map[string]string{digest.Algorithm: digest.Hex}}},
		"predicateType": predicate,
		"predicate":     map[string]any{},
	})
	if err != nil {
		panic(err) // strings only
	}
	return text
}

const statementType = "application/vnd.in-toto+json"

// Bundle signs a statement, and returns the bundle.
func (k *Key) Bundle(statement []byte) []byte {
	k.t.Helper()
	signed := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(statementType), statementType, len(statement), statement)
	return encode(k.t, map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": "whatever"}},
		"dsseEnvelope": map[string]any{
			"payload": statement, "payloadType": statementType,
			"signatures": []any{map[string]any{"sig": k.sign(signed)}},
		},
	})
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return text
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
