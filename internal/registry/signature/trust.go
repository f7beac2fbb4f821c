package signature

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	sigstore "github.com/sigstore/sigstore/pkg/signature"
)

// Options say whom to trust. A signature by any of them will do.
type Options struct {
	// Keys are public keys.
	Keys []Key
	// Identities are who may have signed with a certificate of the Root's.
	Identities []Identity
	// Root is a trust root in sigstore's form, trusted_root.json. Identities need it. With it a
	// signature by a key has to stand in one of its logs, too.
	Root []byte
}

// Key is a public key.
type Key struct {
	// Name stands in errors: the file that it comes from.
	Name string
	// PEM is the key, as cosign and openssl write it.
	PEM []byte
}

// Identity is who may have signed. Patterns are regular expressions that have to match the whole.
type Identity struct {
	// Subject is a mail address or a workflow's address, or SubjectPattern matches it.
	Subject        string
	SubjectPattern string
	// Issuer is who has identified them, or IssuerPattern matches it.
	Issuer        string
	IssuerPattern string
}

// Trust is whom to believe. Use NewTrust; it is safe for concurrent use.
type Trust struct {
	root  *root.TrustedRoot
	asked []*asked
	// identities are who may have signed with a certificate.
	identities verify.CertificateIdentities
}

// Trusts tells whether a signature by somebody would do, as one was found earlier.
func (t *Trust) Trusts(by By) bool {
	if by.Key != "" {
		return slices.ContainsFunc(t.asked, func(a *asked) bool { return a.key == by.Key })
	}
	if by.Identity == "" || len(t.identities) == 0 {
		return false
	}
	_, err := t.identities.Verify(certificate.Summary{
		SubjectAlternativeName: by.Identity, Extensions: certificate.Extensions{Issuer: by.Issuer},
	})
	return err == nil
}

// asked is one way in which a signature may be right.
type asked struct {
	verifier *verify.Verifier
	// policy is what else is asked of the signature besides that it is for the artifact.
	policy []verify.PolicyOption
	// key is the fingerprint of the public key; empty where it is about certificates.
	key string
}

// NewTrust reads keys and the trust root, and says what is wrong with them.
func NewTrust(opts Options) (*Trust, error) {
	t := &Trust{}
	if len(opts.Keys)+len(opts.Identities) == 0 {
		return nil, errors.New("nobody is named whose signature would do")
	}
	if len(opts.Identities) > 0 && opts.Root == nil {
		return nil, errors.New("identities need a trust root: it says whose certificates and logs to believe")
	}
	if opts.Root != nil {
		var err error
		if t.root, err = readRoot(opts.Root); err != nil {
			return nil, err
		}
	}
	for _, key := range opts.Keys {
		if err := t.addKey(key); err != nil {
			return nil, fmt.Errorf("%s: %w", key.Name, err)
		}
	}
	return t, t.addIdentities(opts.Identities)
}

func readRoot(text []byte) (*root.TrustedRoot, error) {
	read, err := root.NewTrustedRootFromJSON(text)
	if err != nil {
		return nil, fmt.Errorf("not a trust root: %w", err)
	}
	if len(read.RekorLogs())+len(read.TimestampingAuthorities()) == 0 {
		return nil, errors.New("the trust root names no log and no timestamp authority: nobody could say when something was signed")
	}
	return read, nil
}

// addKey trusts a public key.
func (t *Trust) addKey(key Key) error {
	public, err := cryptoutils.UnmarshalPEMToPublicKey(key.PEM)
	if err != nil {
		return errors.New("not a public key in PEM form")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(der)
	for _, hash := range hashes(public) {
		verifier, err := sigstore.LoadVerifier(public, hash)
		if err != nil {
			return err
		}
		lasting := root.NewExpiringKey(verifier, time.Time{}, time.Time{})
		material := root.TrustedMaterialCollection{
			root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return lasting, nil }),
		}
		how := []verify.VerifierOption{verify.WithNoObserverTimestamps()}
		if t.root != nil {
			material, how = append(material, t.root), t.witnesses()
		}
		if err := t.ask(material, append(how, verify.WithoutStatementPredicate()), "sha256:"+hex.EncodeToString(sum[:]), verify.WithKey()); err != nil {
			return err
		}
	}
	return nil
}

// hashes are those that a key may have signed with: cosign takes SHA-256 for every key in its
// own form of signatures, and in bundles the one that goes with the key's size.
func hashes(public crypto.PublicKey) []crypto.Hash {
	all := []crypto.Hash{crypto.SHA256}
	if details, err := sigstore.GetDefaultAlgorithmDetails(public); err == nil {
		if own := details.GetHashType(); own != crypto.SHA256 && own != 0 {
			all = append(all, own)
		}
	}
	return all
}

// witnesses is what has to have seen a signature: whatever of it the trust root knows.
func (t *Trust) witnesses() []verify.VerifierOption {
	all := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if len(t.root.RekorLogs()) > 0 {
		all = append(all, verify.WithTransparencyLog(1))
	}
	return all
}

// addIdentities trusts identities.
func (t *Trust) addIdentities(identities []Identity) error {
	if len(identities) == 0 {
		return nil
	}
	if len(t.root.FulcioCertificateAuthorities()) == 0 {
		return errors.New("the trust root names no authority that certifies identities")
	}
	var policy []verify.PolicyOption
	for _, identity := range identities {
		known, err := identity.compile()
		if err != nil {
			return err
		}
		policy = append(policy, verify.WithCertificateIdentity(known))
		t.identities = append(t.identities, known)
	}
	how := append(t.witnesses(), verify.WithoutStatementPredicate())
	if len(t.root.CTLogs()) > 0 {
		how = append(how, verify.WithSignedCertificateTimestamps(1))
	}
	return t.ask(t.root, how, "", policy...)
}

func (t *Trust) ask(material root.TrustedMaterial, how []verify.VerifierOption, key string, policy ...verify.PolicyOption) error {
	verifier, err := verify.NewVerifier(material, how...)
	if err != nil {
		return err
	}
	t.asked = append(t.asked, &asked{verifier: verifier, policy: policy, key: key})
	return nil
}

// compile makes the identity's patterns match the whole of what they are held against: one that
// forgets to would trust evil.example/https://github.com/good/….
func (i Identity) compile() (verify.CertificateIdentity, error) {
	if i.Subject == "" && i.SubjectPattern == "" {
		return verify.CertificateIdentity{}, errors.New("an issuer alone is nobody: name an identity")
	}
	if i.Issuer == "" && i.IssuerPattern == "" {
		return verify.CertificateIdentity{}, errors.New("an identity is worth what its issuer is: name the issuer")
	}
	for _, pattern := range []string{i.SubjectPattern, i.IssuerPattern} {
		if _, err := regexp.Compile(pattern); err != nil {
			return verify.CertificateIdentity{}, fmt.Errorf("%q is no regular expression: %w", pattern, err)
		}
	}
	return verify.NewShortCertificateIdentity(i.Issuer, whole(i.IssuerPattern), i.Subject, whole(i.SubjectPattern))
}

func whole(pattern string) string {
	if pattern == "" {
		return ""
	}
	return `\A(?:` + pattern + `)\z`
}
