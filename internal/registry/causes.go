package registry

import "errors"

// Causes of a failed operation that a user can do something about, for errors.Is. What is to
// be done in terms of a program's own commands is for that program to say.
var (
	// ErrExpired: the registry says that what was presented to it has expired.
	ErrExpired = errors.New("credentials expired")
	// ErrQuota: the registry has no room for what was sent, or grants none.
	ErrQuota = errors.New("no room left")
	// ErrTooLarge: something before the registry refuses request bodies of this size, and the
	// registry takes no smaller pieces.
	ErrTooLarge = errors.New("request body too large")
	// ErrPlainHTTP: the registry speaks plain HTTP, and nobody has allowed that.
	ErrPlainHTTP = errors.New("plain HTTP")
	// ErrProxy: a proxy on the way refuses to let requests through.
	ErrProxy = errors.New("refused by the proxy")
	// ErrNoRegistry: what answers under that name does not speak the distribution protocol.
	ErrNoRegistry = errors.New("no registry")
)

// AccessError is what a registry does not let the credentials do: it unwraps to ErrUnauthorized
// or ErrForbidden or, where a repository would have to exist before it is written to, to
// ErrRepositoryUnknown.
type AccessError struct {
	// Repository is empty where the registry as a whole was refused.
	Repository string
	// Push says that it was about writing.
	Push bool
	// Anonymous says that there were no credentials to present.
	Anonymous bool
	// Err is what the registry, or its token server, said.
	Err error
}

// Error is what the registry said.
func (e *AccessError) Error() string { return e.Err.Error() }

// Unwrap returns what the registry said.
func (e *AccessError) Unwrap() error { return e.Err }

// CertificateProblem says what is wrong with a certificate.
type CertificateProblem int

// What may be wrong with a certificate.
const (
	// CertificateInvalid: none of the others, see the error itself.
	CertificateInvalid CertificateProblem = iota
	// CertificateUntrusted: nobody whom this machine trusts has signed it.
	CertificateUntrusted
	// CertificateExpired: it is not valid now, by this machine's clock.
	CertificateExpired
	// CertificateOtherName: it is for another name.
	CertificateOtherName
	// CertificateWanted: the server asks for a certificate of ours, or refuses the one it got.
	CertificateWanted
)

// CertificateError is a TLS connection that the two sides' certificates do not allow.
type CertificateError struct {
	// Host is the server, with its port where one was named; not always the registry.
	Host    string
	Problem CertificateProblem
	Err     error
}

// Error is what TLS says.
func (e *CertificateError) Error() string { return e.Err.Error() }

// Unwrap returns what TLS says.
func (e *CertificateError) Unwrap() error { return e.Err }
