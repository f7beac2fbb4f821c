package main

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature/signaturetest"
)

// signers are who can sign in scripts, *signaturetest.Key or *signaturetest.Sigstore, by the file
// that says whom to believe.
var signers sync.Map

// Who signs in scripts where it is an identity.
const (
	scriptIdentity = "https://github.com/vendor/images/.github/workflows/release.yml@refs/heads/main"
	scriptIssuer   = "https://token.actions.githubusercontent.com"
)

// signer is the script command: signer key|sigstore FILE. It makes a pair of keys, or an authority for
// identities, and writes the public key, or its trust root.
func signer(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: signer key|sigstore FILE")
	}
	file := ts.MkAbs(args[1])
	switch args[0] {
	case "key":
		key := signaturetest.NewKey(t)
		signers.Store(file, key)
		ts.Check(os.WriteFile(file, key.PEM, 0o644))
		ts.Setenv("FINGERPRINT", key.Fingerprint)
	case "sigstore":
		sigstore := signaturetest.NewSigstore(t)
		signers.Store(file, sigstore)
		ts.Check(os.WriteFile(file, sigstore.Root(), 0o644))
	default:
		ts.Fatalf("signer: no %s", args[0])
	}
}

// signContent is the script command: sign tag|referrer FILE HOST REPOSITORY:TAG... It signs what a registry
// has, in cosign's classic form under a tag or as a bundle that refers to it.
func signContent(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: sign tag|referrer FILE HOST REPOSITORY:TAG...")
	}
	who, known := signers.Load(ts.MkAbs(args[1]))
	found, runs := running.Load(args[2])
	if !known || !runs {
		ts.Fatalf("sign: no signer %s, or no registry at %s", args[1], args[2])
	}
	simple, bundle := ways(who)
	for _, image := range args[3:] {
		registry := found.(*registrytest.Registry)
		repository, tag, _ := strings.Cut(image, ":")
		if args[0] == "tag" {
			signaturetest.Attach(t, registry, repository, tag, args[2]+"/"+repository, simple)
			continue
		}
		signaturetest.Refer(t, registry, repository, tag, bundle(signaturetest.Statement(registry.Digest(t, image), signature.SignedPredicate)))
	}
}

// ways are how somebody signs: payloads, and statements.
func ways(who any) (simple func([]byte) map[string]string, bundle func([]byte) []byte) {
	if key, ok := who.(*signaturetest.Key); ok {
		return key.Simple, key.Bundle
	}
	sigstore := who.(*signaturetest.Sigstore)
	return func(payload []byte) map[string]string { return sigstore.Simple(scriptIdentity, scriptIssuer, payload) },
		func(statement []byte) []byte { return sigstore.Bundle(scriptIdentity, scriptIssuer, statement) }
}
