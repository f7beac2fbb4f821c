package install

import (
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoCluster: the cluster cannot be reached or the kubeconfig names none.
	ErrNoCluster = errors.New("the cluster cannot be reached")
	// ErrDenied: the caller lacks a permission in the cluster.
	ErrDenied = errors.New("permission denied")
	// ErrBusy: another operation on the same helm release is under way, or was killed.
	ErrBusy = errors.New("another install or upgrade is under way")
	// ErrNotReady: what was installed did not become ready in time.
	ErrNotReady = errors.New("not ready")
	// ErrNotMirrored: an image that is needed is not in the private registry.
	ErrNotMirrored = errors.New("not in the private registry")
	// ErrNotOurs: an object of that name exists and was not made by pgrelocate.
	ErrNotOurs = errors.New("not made by pgrelocate")
	// ErrInUse: Postgres instances exist.
	ErrInUse = errors.New("Postgres instances exist") //nolint:staticcheck // the kind is written so
	// ErrConflict: another manager of a CRD's fields wants them otherwise.
	ErrConflict = errors.New("managed by someone else")
	// ErrNotInstalled: there is no such helm release.
	ErrNotInstalled = errors.New("not installed")
)

// Error is a failure with its details and what to do about it.
type Error struct {
	// Step is the name of the step that failed; empty where there are no steps.
	Step string
	Err  error
	// Details are lines that belong to the error: what is concerned, and what state the
	// cluster was left in.
	Details []string
	// Advice is one line that says what a user can do; it may be empty.
	Advice string
}

// Error names the step and the cause, and the details below.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Step != "" {
		text = e.Step + ": " + text
	}
	if len(e.Details) > 0 {
		text += "\n  " + strings.Join(e.Details, "\n  ")
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the advice, or that of the cause.
func (e *Error) Hint() string {
	var inner interface{ Hint() string }
	if e.Advice == "" && errors.As(e.Err, &inner) {
		return inner.Hint()
	}
	return e.Advice
}

// withHint gives an error a hint.
func withHint(err error, hint string) error { return &Error{Err: err, Advice: hint} }

// explain puts an API server's answer into our words where a user can act on it.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		return withHint(joinErr(ErrDenied, err), permissionHint)
	case apierrors.IsUnauthorized(err):
		return withHint(joinErr(ErrDenied, err), "the cluster refused who you are: renew the credentials in your kubeconfig")
	default:
		return err
	}
}

const permissionHint = "a cluster administrator can grant what is needed: see examples/rbac.yaml"

// joined is an error of ours with the words of another.
type joined struct{ kind, err error }

// joinErr makes errors.Is find kind, and err, while the text is that of err.
func joinErr(kind, err error) error { return &joined{kind, err} }

func (j *joined) Error() string   { return j.err.Error() }
func (j *joined) Unwrap() []error { return []error{j.kind, j.err} }
