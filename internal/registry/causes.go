package registry

import "errors"

// AccessError is what a registry does not let the credentials do: it unwraps to ErrUnauthorized
// or ErrForbidden or, where a repository would have to exist before it is written to, to
// ErrRepositoryUnknown.
type AccessError struct {
	// Repository is empty where the registry as a whole was refused.
	Repository string
	// Push says that it was about writing, and Delete that it was about removing something.
	Push   bool
	Delete bool
	// Anonymous says that there were no credentials to present.
	Anonymous bool
	// Ways are the ways of logging in that the registry asks for, "negotiate", where it asks for none that
	// we have; no credentials were sent then.
	Ways []string
	// Elsewhere is the host that refused where that is not the registry, which has sent us there: it
	// is never told any credentials.
	Elsewhere string
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

// IncompleteError says that an artifact is at the target, or can be put there, and not all
// that is attached to it, or that nobody knows whether that is so.
type IncompleteError struct{ Errs []error }

// Error lists the reasons, a line each.
func (e *IncompleteError) Error() string { return errors.Join(e.Errs...).Error() }

// Unwrap returns the reasons.
func (e *IncompleteError) Unwrap() []error { return e.Errs }

// ProxyProblem says what is wrong with a proxy.
type ProxyProblem int

// What may be wrong with a proxy.
const (
	// ProxyFails: it cannot be reached, or does not reach the registry.
	ProxyFails ProxyProblem = iota
	// ProxyRefuses: it does not let requests through.
	ProxyRefuses
	// ProxyUnreadable: what names it is no address.
	ProxyUnreadable
)

// ProxyError is a request that did not get through the proxy that the environment names. Where another try
// does not change that it is ErrProxy.
type ProxyError struct {
	// Variable is the one that names the proxy, "HTTPS_PROXY". It may hold a password.
	Variable string
	Problem  ProxyProblem
	Err      error
}

// Error is the cause, which names the variable.
func (e *ProxyError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ProxyError) Unwrap() error { return e.Err }

// Is says that nothing is gained by another try.
func (e *ProxyError) Is(target error) bool { return target == ErrProxy && e.Problem != ProxyFails }
