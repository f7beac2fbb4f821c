package pullsecret

import "errors"

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoSecret: a namespace has no pull secret of that name.
	ErrNoSecret = errors.New("there is no secret")
	// ErrNoEntry: a pull secret has no credentials for the registry.
	ErrNoEntry = errors.New("it has no credentials")
	// ErrNoPassword: these credentials cannot go into a pull secret.
	ErrNoPassword = errors.New("these credentials are a token that only docker can use")
)

// UnreadableError says that text was expected to be credentials for Host and is not. It does
// not repeat what could not be read.
type UnreadableError struct{ Host string }

// Error says no more than that.
func (e *UnreadableError) Error() string { return "the pull credentials cannot be read" }
