// Package certificate makes the certificate of a server that has none, keeps it in a folder, and
// renews it there: SelfSigned, for the names and addresses that Names finds.
package certificate

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// The files that SelfSigned keeps in its folder.
const (
	File    = "tls.crt"
	keyFile = "tls.key"
)

// Kept is the certificate that SelfSigned keeps in a folder.
type Kept struct {
	TLS tls.Certificate
	// Renewed says what was wrong with the certificate of ours that lay there before;
	// empty where none had to be replaced.
	Renewed string
	// Unfit says why clients will refuse this certificate. It is not ours, so that it was
	// left as it is; empty where nothing is wrong.
	Unfit string
}

// SelfSigned returns the certificate in folder. Where there is none it makes one for the
// names and addresses, for a year, and keeps it there: File is what clients have to trust. One that it made earlier and that lacks a name, or has expired, is made
// anew with the same key, so that clients that follow the key's signature, as all written
// in Go do, need not be told. A certificate from elsewhere is never replaced.
func SelfSigned(folder string, names []string) (*Kept, error) {
	found, err := pair(filepath.Join(folder, File), filepath.Join(folder, keyFile), files.ReadRegular)
	if errors.Is(err, fs.ErrNotExist) {
		return made(folder, names)
	}
	if err != nil {
		return nil, err
	}
	now := time.Now()
	wrong := unfit(found.Leaf, names, now)
	switch {
	case wrong == "":
		return &Kept{TLS: found}, nil
	case !ours(found):
		return &Kept{TLS: found, Unfit: wrong}, nil
	}
	if now.Before(found.Leaf.NotAfter) {
		names = union(names, found.Leaf) // two addresses with one folder do not take turns
	}
	kept, err := keep(folder, found.PrivateKey.(crypto.Signer), names, now)
	if err != nil {
		return nil, fmt.Errorf("renewing it, which %s: %w", wrong, err)
	}
	kept.Renewed = wrong
	return kept, nil
}

// Read reads a certificate and its key, from files or pipes that a user has named; once ctx ends
// nobody waits for a pipe any more.
func Read(ctx context.Context, certificate, key string) (tls.Certificate, error) {
	return pair(certificate, key, func(path string, most int64) ([]byte, error) { return files.ReadSmall(ctx, path, most) })
}

// mostBytes is more than a chain of certificates or a key takes.
const mostBytes = 1 << 20

func pair(certificate, key string, read func(path string, most int64) ([]byte, error)) (tls.Certificate, error) {
	public, err := read(certificate, mostBytes)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := read(key, mostBytes)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(public, private)
}

// made makes the certificate, with the key that is there if only that is.
func made(folder string, names []string) (*Kept, error) {
	certificate := filepath.Join(folder, File)
	if _, err := os.Lstat(certificate); err == nil {
		return nil, fmt.Errorf("%s has no %s beside it: add it, or take another folder", certificate, keyFile)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	key, err := keyIn(folder)
	if err != nil {
		return nil, err
	}
	return keep(folder, key, names, time.Now())
}

// keep signs a certificate and puts it into the folder, whole or not at all.
func keep(folder string, key crypto.Signer, names []string, now time.Time) (*Kept, error) {
	der, err := sign(key, names, now)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := replace(filepath.Join(folder, File), encoded("CERTIFICATE", der), 0o644); err != nil {
		return nil, err
	}
	return &Kept{TLS: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}, nil
}

// renewBefore is what has to be left of a certificate's life when a server starts.
const renewBefore = 24 * time.Hour

// unfit says what is wrong with a certificate for a server that starts now under names;
// empty where nothing is.
func unfit(c *x509.Certificate, names []string, now time.Time) string {
	switch {
	case now.Before(c.NotBefore):
		return "is not valid before " + c.NotBefore.Format(time.DateTime)
	case now.Add(renewBefore).After(c.NotAfter):
		return "is not valid after " + c.NotAfter.Format(time.DateTime)
	}
	for _, name := range names {
		if c.VerifyHostname(name) != nil {
			return "is not for " + name
		}
	}
	return ""
}

// ours tells whether a certificate was made here.
func ours(c tls.Certificate) bool {
	leaf := c.Leaf
	return len(c.Certificate) == 1 && leaf.Subject.String() == subject.String() && leaf.CheckSignatureFrom(leaf) == nil
}

// union adds the names that a certificate has.
func union(names []string, c *x509.Certificate) []string {
	all := slices.Concat(names, c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}
