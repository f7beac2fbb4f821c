package bundle

import (
	"errors"
	"fmt"

	"aead.dev/minisign"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// A bundle is signed by signing its lock: that names the digest of every artifact, and
// their digests name everything else. The signature is minisign's, so that "minisign -V"
// checks it too.

var errUnsigned = fmt.Errorf("%w: the bundle is not signed, and a public key was given", ErrSignature)

// ErrPassword: a private key is encrypted, and with another password.
var ErrPassword = errors.New("the password does not open it")

// ErrSignature: a bundle is not signed with the key that it should be signed with.
var ErrSignature = errors.New("signature refused")

// Signer returns what Content.Sign wants: a signature with a private key in minisign's
// format. The password may be empty where the key has none.
func Signer(key []byte, password string) (func([]byte) ([]byte, error), error) {
	private, err := privateKey(key, password)
	if err != nil {
		return nil, err
	}
	return func(lock []byte) ([]byte, error) {
		// No time stands in the comments: the same content gives the same bytes.
		return minisign.SignWithComments(private, lock, write.LockFile, "signature of "+write.LockFile), nil
	}, nil
}

func privateKey(key []byte, password string) (minisign.PrivateKey, error) {
	if minisign.IsEncrypted(key) {
		private, err := minisign.DecryptKey(password, key)
		if err != nil {
			return private, &registry.Error{Op: "reading", Ref: "the key", Err: ErrPassword}
		}
		return private, nil
	}
	var private minisign.PrivateKey
	if err := private.UnmarshalText(key); err != nil {
		return private, &registry.Error{Op: "reading", Ref: "the key", Err: errors.New("not a minisign private key")}
	}
	return private, nil
}

// CheckPublicKey refuses what is no public key in minisign's format.
func CheckPublicKey(text string) error {
	_, err := parsePublicKey(text)
	return err
}

func parsePublicKey(text string) (key minisign.PublicKey, err error) {
	if key.UnmarshalText([]byte(text)) != nil {
		return key, errors.New("not a minisign public key")
	}
	return key, nil
}

// checkSignature refuses a lock that was not signed with the key. Without a key it only
// notes that there is a signature.
func (b *Bundle) checkSignature(lock []byte, publicKey string) error {
	f, ok := b.archive.Files[write.SignatureFile]
	b.signed = ok
	if publicKey == "" {
		return nil
	}
	if !ok {
		return errUnsigned
	}
	key, err := parsePublicKey(publicKey)
	if err != nil {
		return err
	}
	signature, err := archive.ReadSmall(f, 64<<10)
	if err != nil {
		return fmt.Errorf("%s: %w", write.SignatureFile, err)
	}
	if !minisign.Verify(key, lock, signature) {
		return fmt.Errorf("%w: the bundle was signed with another key, or changed", ErrSignature)
	}
	return nil
}

// NewKeys makes a pair of keys in minisign's format. A password encrypts the private one.
func NewKeys(password string) (private, public []byte, err error) {
	publicKey, privateKey, err := minisign.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	if public, err = publicKey.MarshalText(); err != nil {
		return nil, nil, err
	}
	if password == "" {
		private, err = privateKey.MarshalText()
	} else {
		private, err = minisign.EncryptKey(password, privateKey)
	}
	return private, public, err
}
