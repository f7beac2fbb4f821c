package verify

import (
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// Errors that callers tell apart with errors.Is. All but the first two stand in a Check.
var (
	// ErrNotInstalled: there is no such helm release.
	ErrNotInstalled = errors.New("not installed")
	// ErrNoVersionKind: the cluster does not know the kind of the versions; it is an
	// ErrNotInstalled.
	ErrNoVersionKind = fmt.Errorf("the kind of its versions is %w", ErrNotInstalled)
	// ErrNotMirrored: an image is not in the private registry.
	ErrNotMirrored = errors.New("not in the private registry")
	// ErrGone: what the release runs does not exist any more.
	ErrGone = errors.New("it does not exist any more")
	// ErrEdited: a version, or a workload, is not as the release made it.
	ErrEdited = errors.New("it was edited by hand")
	// ErrStopped: a workload was scaled to no pods, and the release has some.
	ErrStopped = errors.New("it was scaled to no pods")
)

// StatusError says that helm records another state than that all is well.
type StatusError struct{ Status helm.Status }

// Error names the state.
func (e *StatusError) Error() string { return "in state " + string(e.Status) }

// OtherImageError says that a workload runs another image than the release's. It is an ErrEdited.
type OtherImageError struct{ Runs, Expected string }

// Error names both.
func (e *OtherImageError) Error() string {
	return fmt.Sprintf("it runs %s, and the release has %s there", e.Runs, e.Expected)
}

// Is makes it an ErrEdited.
func (e *OtherImageError) Is(target error) bool { return target == ErrEdited }

// ElsewhereError says that an image lies in another registry.
type ElsewhereError struct{ Host string }

// Error names the registry.
func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("it is in %s and not in the private registry", e.Host)
}

// BrokenError says that the registry does not give an image out, for a reason of its own.
type BrokenError struct{ Err error }

// Error is the reason.
func (e *BrokenError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *BrokenError) Unwrap() error { return e.Err }

// NoLoginError says that the registry wants credentials and a namespace has none for it.
type NoLoginError struct {
	Namespace string
	// Err says why there are none.
	Err error
}

// Error says why there are none.
func (e *NoLoginError) Error() string { return "the registry wants credentials, and " + e.Err.Error() }

// Unwrap returns why there are none.
func (e *NoLoginError) Unwrap() error { return e.Err }

// RefusedError says that the registry does not take what a pull secret holds.
type RefusedError struct{ Secret string }

// Error names the secret.
func (e *RefusedError) Error() string {
	return "the registry refuses the credentials in secret " + e.Secret
}

// UnreadableError says that what a pull secret holds is good, and not for this repository.
type UnreadableError struct{ Secret string }

// Error names the secret.
func (e *UnreadableError) Error() string {
	return "the credentials in secret " + e.Secret + " may not read this repository"
}

// StuckError says what holds a workload, or the pod that was to pull, up.
type StuckError struct {
	Reason  string
	Trouble readiness.Trouble
	// Pull says that it is a node that cannot pull an image.
	Pull bool
}

// Error is the reason.
func (e *StuckError) Error() string {
	if e.Pull {
		return "the node cannot pull it: " + e.Reason
	}
	return e.Reason
}

// NoSecretError says that a namespace lacks the pull secret.
type NoSecretError struct{ Namespace, Secret string }

// Error names the secret.
func (e *NoSecretError) Error() string { return "it lacks the pull secret " + e.Secret }

// SecretError says that a namespace's pull secret holds nothing of use.
type SecretError struct {
	Namespace string
	Err       error
}

// Error says what is wrong with it.
func (e *SecretError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong with it.
func (e *SecretError) Unwrap() error { return e.Err }

// RefusedSecretError says that the registry does not take a namespace's pull secret.
type RefusedSecretError struct{ Reason string }

// Error is the registry's reason.
func (e *RefusedSecretError) Error() string {
	return "the registry refuses its pull secret: " + e.Reason
}
