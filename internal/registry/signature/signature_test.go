package signature_test

import (
	"crypto"
	"crypto/elliptic"
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/signature"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature/signaturetest"
)

const (
	who  = "https://github.com/vendor/images/.github/workflows/release.yml@refs/heads/main"
	from = "https://token.actions.githubusercontent.com"
	name = "registry.example.com/postgres/operator"
)

func digestOf(s string) v1.Hash {
	hash, _, err := v1.SHA256(strings.NewReader(s))
	if err != nil {
		panic(err)
	}
	return hash
}

var image, other = digestOf("image"), digestOf("other")

func trustKeys(t *testing.T, keys ...*signaturetest.Key) *signature.Trust {
	t.Helper()
	var opts signature.Options
	for _, key := range keys {
		opts.Keys = append(opts.Keys, signature.Key{Name: "cosign.pub", PEM: key.PEM})
	}
	return newTrust(t, opts)
}

func newTrust(t *testing.T, opts signature.Options) *signature.Trust {
	t.Helper()
	trust, err := signature.NewTrust(opts)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func TestSimpleByKey(t *testing.T) {
	right, wrong := signaturetest.NewKey(t), signaturetest.NewKey(t)
	large := signaturetest.NewKeyOn(t, elliptic.P384(), crypto.SHA256)
	payload := signaturetest.Payload(image, name)
	changed := []byte(strings.Replace(string(payload), "null", "{}", 1))
	tests := []struct {
		name        string
		trust       *signature.Trust
		references  []string
		payload     []byte
		annotations map[string]string
		wantKey     string
		wantErr     error
	}{
		{"by the key", trustKeys(t, right), nil, payload, right.Simple(payload), right.Fingerprint, nil},
		{"by one of two keys", trustKeys(t, wrong, right), nil, payload, right.Simple(payload), right.Fingerprint, nil},
		{"by a large key", trustKeys(t, large), nil, payload, large.Simple(payload), large.Fingerprint, nil},
		{"by another key", trustKeys(t, wrong), nil, payload, right.Simple(payload), "", signature.ErrUntrusted},
		{"of other words", trustKeys(t, right), nil, changed, right.Simple(payload), "", signature.ErrUntrusted},
		{"of another image", trustKeys(t, right), nil, signaturetest.Payload(other, name), right.Simple(signaturetest.Payload(other, name)), "", signature.ErrOther},
		{"under its name", trustKeys(t, right), []string{name}, payload, right.Simple(payload), right.Fingerprint, nil},
		{"under another name", trustKeys(t, right), []string{name + "2"}, payload, right.Simple(payload), "", signature.ErrOther},
		{"of something else", trustKeys(t, right), nil, []byte(`{"critical":{"type":"x"}}`), nil, "", signature.ErrOther},
		{"without a signature", trustKeys(t, right), nil, payload, nil, "", signature.ErrMalformed},
		{"no JSON", trustKeys(t, right), nil, []byte("x"), nil, "", signature.ErrMalformed},
		{"too long", trustKeys(t, right), nil, make([]byte, signature.MaxPayload+1), nil, "", signature.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			by, err := tt.trust.Simple(signature.Subject{Digest: image, References: tt.references}, tt.payload, tt.annotations)
			check(t, by, err, tt.wantErr)
			if by != nil && (by.Key != tt.wantKey || by.Identity != "") {
				t.Errorf("signed by %v, want %s", by, tt.wantKey)
			}
		})
	}
}

func check(t *testing.T, by *signature.By, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || (by == nil) != (want != nil) {
		t.Fatalf("got %v, %v; want the error %v", by, err, want)
	}
}

func TestBundleByKey(t *testing.T) {
	right, wrong := signaturetest.NewKey(t), signaturetest.NewKey(t)
	large := signaturetest.NewKeyOn(t, elliptic.P384(), crypto.SHA384)
	signed := signaturetest.Statement(image, signature.SignedPredicate)
	tests := []struct {
		name    string
		trust   *signature.Trust
		bundle  []byte
		wantErr error
	}{
		{"by the key", trustKeys(t, right), right.Bundle(signed), nil},
		{"by a large key", trustKeys(t, large), large.Bundle(signed), nil},
		{"by another key", trustKeys(t, wrong), right.Bundle(signed), signature.ErrUntrusted},
		{"of another image", trustKeys(t, right), right.Bundle(signaturetest.Statement(other, signature.SignedPredicate)), signature.ErrOther},
		{"an SBOM is no signature", trustKeys(t, right), right.Bundle(signaturetest.Statement(image, "https://spdx.dev/Document")), signature.ErrOther},
		{"no bundle", trustKeys(t, right), []byte(`{}`), signature.ErrMalformed},
		{"too long", trustKeys(t, right), make([]byte, signature.MaxBundle+1), signature.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			by, err := tt.trust.Bundle(signature.Subject{Digest: image}, tt.bundle)
			check(t, by, err, tt.wantErr)
		})
	}
}

func TestByIdentity(t *testing.T) {
	world, foreign := signaturetest.NewSigstore(t), signaturetest.NewSigstore(t)
	payload, statement := signaturetest.Payload(image, name), signaturetest.Statement(image, signature.SignedPredicate)
	exact := signature.Identity{Subject: who, Issuer: from}
	tests := []struct {
		name     string
		root     []byte
		identity signature.Identity
		by       *signaturetest.Sigstore
		subject  string
		want     error
	}{
		{"right", world.Root(), exact, world, who, nil},
		{"by pattern", world.Root(), signature.Identity{SubjectPattern: "https://github.com/vendor/.*", IssuerPattern: "https://.*"}, world, who, nil},
		{"patterns match the whole", world.Root(), signature.Identity{SubjectPattern: "github.com/vendor", Issuer: from}, world, who, signature.ErrUntrusted},
		{"somebody else", world.Root(), exact, world, "https://github.com/evil/images", signature.ErrUntrusted},
		{"another issuer", world.Root(), signature.Identity{Subject: who, Issuer: "https://accounts.example.com"}, world, who, signature.ErrUntrusted},
		{"another authority", world.Root(), exact, foreign, who, signature.ErrUntrusted},
		{"a certificate in no log", world.RootWithCT(), exact, world, who, signature.ErrUntrusted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trust := newTrust(t, signature.Options{Root: tt.root, Identities: []signature.Identity{tt.identity}})
			subject := signature.Subject{Digest: image}
			for _, form := range []func() (*signature.By, error){
				func() (*signature.By, error) {
					return trust.Simple(subject, payload, tt.by.Simple(tt.subject, from, payload))
				},
				func() (*signature.By, error) {
					return trust.Bundle(subject, tt.by.Bundle(tt.subject, from, statement))
				},
			} {
				by, err := form()
				check(t, by, err, tt.want)
				if by != nil && (by.Identity != who || by.Issuer != from || by.Logged.IsZero() || by.Key != "") {
					t.Errorf("signed by %+v", by)
				}
			}
		})
	}
}

// A signature that stands in no log may have been made with a certificate that had expired.
func TestTheLogIsAskedFor(t *testing.T) {
	world, key := signaturetest.NewSigstore(t), signaturetest.NewKey(t)
	payload := signaturetest.Payload(image, name)
	annotations := world.Simple(who, from, payload)
	delete(annotations, "dev.sigstore.cosign/bundle")
	trust := newTrust(t, signature.Options{Root: world.Root(), Identities: []signature.Identity{{Subject: who, Issuer: from}}})
	by, err := trust.Simple(signature.Subject{Digest: image}, payload, annotations)
	check(t, by, err, signature.ErrUntrusted)

	// A key is enough by itself, unless there is a trust root: then its log has to know.
	trust = newTrust(t, signature.Options{Root: world.Root(), Keys: []signature.Key{{Name: "k", PEM: key.PEM}}})
	by, err = trust.Simple(signature.Subject{Digest: image}, payload, key.Simple(payload))
	check(t, by, err, signature.ErrUntrusted)
}

func TestTrusts(t *testing.T) {
	key, world := signaturetest.NewKey(t), signaturetest.NewSigstore(t)
	trust := newTrust(t, signature.Options{
		Root: world.Root(), Keys: []signature.Key{{PEM: key.PEM}},
		Identities: []signature.Identity{{SubjectPattern: "https://github.com/vendor/.*", Issuer: from}},
	})
	for _, tt := range []struct {
		by   signature.By
		want bool
	}{
		{signature.By{Key: key.Fingerprint}, true},
		{signature.By{Key: "sha256:00"}, false},
		{signature.By{Identity: who, Issuer: from}, true},
		{signature.By{Identity: who, Issuer: "https://evil.example"}, false},
		{signature.By{Identity: "https://github.com/evil", Issuer: from}, false},
		{signature.By{}, false},
	} {
		if got := trust.Trusts(tt.by); got != tt.want {
			t.Errorf("Trusts(%v) = %v, want %v", tt.by, got, tt.want)
		}
	}
}

func TestNewTrustRefuses(t *testing.T) {
	key, world := signaturetest.NewKey(t), signaturetest.NewSigstore(t)
	tests := []struct {
		name string
		opts signature.Options
		want string
	}{
		{"nobody", signature.Options{}, "nobody is named"},
		{"no key", signature.Options{Keys: []signature.Key{{Name: "readme.md", PEM: []byte("x")}}}, "readme.md: not a public key"},
		{"no root", signature.Options{Identities: []signature.Identity{{Subject: who, Issuer: from}}}, "need a trust root"},
		{"no subject", signature.Options{Root: world.Root(), Identities: []signature.Identity{{Issuer: from}}}, "name an identity"},
		{"no issuer", signature.Options{Root: world.Root(), Identities: []signature.Identity{{Subject: who}}}, "name the issuer"},
		{"no pattern", signature.Options{Root: world.Root(), Identities: []signature.Identity{{SubjectPattern: "(", Issuer: from}}}, "no regular expression"},
		{"no trust root", signature.Options{Root: []byte("{}"), Keys: []signature.Key{{PEM: key.PEM}}}, "not a trust root"},
		{"a root without witnesses", signature.Options{Root: world.RootWithoutLogs(), Keys: []signature.Key{{PEM: key.PEM}}}, "no log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := signature.NewTrust(tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewTrust = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// FuzzSignature feeds strangers' bytes to everything that reads them.
func FuzzSignature(f *testing.F) {
	key, world := signaturetest.NewKey(f), signaturetest.NewSigstore(f)
	payload := signaturetest.Payload(image, name)
	annotations := world.Simple(who, from, payload)
	f.Add(payload, annotations["dev.sigstore.cosign/bundle"], annotations["dev.sigstore.cosign/certificate"])
	f.Add(key.Bundle(signaturetest.Statement(image, signature.SignedPredicate)), "{}", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
	f.Add(world.Bundle(who, from, signaturetest.Statement(image, signature.SignedPredicate)), `{"Payload":{"body":"e30="}}`, "")
	trust, err := signature.NewTrust(signature.Options{
		Root: world.Root(), Keys: []signature.Key{{PEM: key.PEM}}, Identities: []signature.Identity{{Subject: who, Issuer: from}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, logged, certificate string) {
		subject := signature.Subject{Digest: other}
		if by, err := trust.Bundle(subject, text); err == nil {
			t.Errorf("signed by %v", by)
		}
		by, err := trust.Simple(subject, text, map[string]string{
			"dev.cosignproject.cosign/signature": "AAAA", "dev.sigstore.cosign/bundle": logged,
			"dev.sigstore.cosign/certificate": certificate, "dev.sigstore.cosign/rfc3161timestamp": logged,
		})
		if err == nil {
			t.Errorf("signed by %v", by)
		}
	})
}
