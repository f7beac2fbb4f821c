package exit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// ErrInterrupted is the cause of the context's end when a signal stopped the run.
var ErrInterrupted = errors.New("interrupted")

// UsageError is a mistake in the command line, the environment or the config file.
type UsageError struct {
	Err error
	// Advice is one line that says what to do; empty where the error says it all.
	Advice string
}

// Usagef returns a UsageError without advice.
func Usagef(format string, args ...any) *UsageError {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// Misnamed makes a UsageError of a file that a user has named, and that cannot be what it was named for:
// it is not there, has no folder to go to, is something else, or is not for this user. It is for what is found
// out before anything is done; every other error, and nil, stays as it is.
func Misnamed(err error) error {
	for _, known := range []error{
		fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR, syscall.EROFS,
		files.ErrFolder, files.ErrIrregular, files.ErrTooLarge, files.ErrLink, files.ErrDash,
	} {
		if errors.Is(err, known) {
			return &UsageError{Err: err}
		}
	}
	return err
}

// Misread is Misnamed of what a file that was read holds: it makes a UsageError of whatever has no exit
// code of its own.
func Misread(err error) error {
	if Code(err) == Failure {
		return &UsageError{Err: err}
	}
	return err
}

// WithHint sets the advice and returns the error itself.
func (e *UsageError) WithHint(format string, args ...any) *UsageError {
	e.Advice = fmt.Sprintf(format, args...)
	return e
}

// Error is the mistake.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Hint is the advice.
func (e *UsageError) Hint() string { return e.Advice }

// PartialError says that some of several things failed. Its errors have been shown to
// the user already, each with its reason; Error only counts them.
type PartialError struct {
	// Thing is what failed, in the plural: "artifacts".
	Thing  string
	Total  int
	Errors []error
	// Incomplete are the reasons why others of the Total are done, and lack something.
	Incomplete []error
}

// Error counts the failures.
func (e *PartialError) Error() string {
	switch {
	case len(e.Incomplete) == 0:
		return fmt.Sprintf("%d of %d %s failed", len(e.Errors), e.Total, e.Thing)
	case len(e.Errors) == 0:
		return fmt.Sprintf("%d of %d %s %s incomplete: not all that is attached to them is known to be there", len(e.Incomplete), e.Total, e.Thing, output.Are(len(e.Incomplete)))
	}
	return fmt.Sprintf("%d of %d %s failed, and %d %s incomplete", len(e.Errors), e.Total, e.Thing, len(e.Incomplete), output.Are(len(e.Incomplete)))
}

// Unwrap returns the single failures.
func (e *PartialError) Unwrap() []error { return slices.Concat(e.Errors, e.Incomplete) }

// UnansweredError says that a registry did not answer at all, so that of no artifact anything is done or known: what
// PartialError is where that is so of some.
type UnansweredError struct{ Err error }

// Unanswered makes an UnansweredError of an error that says of a registry that it cannot be reached; every other
// error, and nil, stays as it is, and so does one that no waiting changes: a certificate, or a proxy's name.
func Unanswered(err error) error {
	var certificate *registry.CertificateError
	settled := errors.As(err, &certificate) || errors.Is(err, registry.ErrProxy) || errors.Is(err, registry.ErrPlainHTTP)
	if settled || !errors.Is(err, registry.ErrUnreachable) {
		return err
	}
	return &UnansweredError{Err: err}
}

// Error is the reason.
func (e *UnansweredError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *UnansweredError) Unwrap() error { return e.Err }

// VerificationError says that a check found something wrong; what could not be checked is
// another error.
type VerificationError struct {
	Err error
	// Advice is one line that says what to do; it may be empty.
	Advice string
}

// Error says what was found.
func (e *VerificationError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *VerificationError) Unwrap() error { return e.Err }

// Hint is the advice.
func (e *VerificationError) Hint() string { return e.Advice }

// ReportError says that reports of a run could not be written.
type ReportError struct{ Errs []error }

// Error lists the reasons, a line each.
func (e *ReportError) Error() string {
	return "reports could not be written: " + errors.Join(e.Errs...).Error()
}

// Unwrap returns the reasons.
func (e *ReportError) Unwrap() []error { return e.Errs }

// DriftError says that something is not as a lock or a plan says, beyond what single artifacts
// say of themselves, or that two sides of a comparison differ.
type DriftError struct {
	Err error
	// Advice is one line that says what to do; it may be empty.
	Advice string
}

// Error says what differs.
func (e *DriftError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DriftError) Unwrap() error { return e.Err }

// Hint is the advice.
func (e *DriftError) Hint() string { return e.Advice }

// TargetsError says that some of several private registries do not have all that was asked for. What
// is wrong with each has been shown to the user already.
type TargetsError struct {
	Total int
	// Failed are those that do not, with what went wrong.
	Failed []TargetError
}

// TargetError is one of them.
type TargetError struct {
	Registry string
	Err      error
}

// Error names them, with the exit code that each would have had alone.
func (e *TargetsError) Error() string {
	var names []string
	for _, failed := range e.Failed {
		names = append(names, fmt.Sprintf("%s (exit code %d)", failed.Registry, Code(failed.Err)))
	}
	return fmt.Sprintf("%d of %d registries failed: %s", len(e.Failed), e.Total, strings.Join(names, ", "))
}

// Of is what went wrong with one of them; nil where nothing did.
func (e *TargetsError) Of(registry string) error {
	for _, failed := range e.Failed {
		if failed.Registry == registry {
			return failed.Err
		}
	}
	return nil
}

// gravity orders exit codes from the one that needs somebody most: what stopped everything, what nobody
// can mend by waiting, what one more run may mend.
var gravity = []int{Interrupted, Usage, Failure, Verification, Drift, Unauthorized, Partial, Unreported}

// worst is the gravest of the codes.
func (e *TargetsError) worst() int {
	worst := len(gravity)
	for _, failed := range e.Failed {
		if at := slices.Index(gravity, Code(failed.Err)); at >= 0 && at < worst {
			worst = at
		}
	}
	if worst == len(gravity) {
		return Failure
	}
	return gravity[worst]
}

// Code chooses the exit code of an error; nil is OK. It is the only place that does.
func Code(err error) int {
	var (
		usage        *UsageError
		partial      *PartialError
		verification *VerificationError
		report       *ReportError

		drift      *DriftError
		targets    *TargetsError
		unanswered *UnansweredError
	)
	switch {
	case err == nil:
		return OK
	case errors.As(err, &targets):
		return targets.worst()
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &usage):
		return Usage
	case errors.As(err, &verification), errors.Is(err, registry.ErrRefused):
		return Verification
	case errors.As(err, &drift):
		return Drift
	case errors.As(err, &partial):
		return partialCode(partial)
	case errors.As(err, &report):
		return Unreported
	case errors.As(err, &unanswered):
		return Partial
	case refused(err):
		return Unauthorized
	default:
		return Failure
	}
}

// partialCode is Drift where anything has drifted: that needs somebody to look, whatever else
// there is. It is Unauthorized where credentials are all that went wrong: with new ones
// the same command succeeds, and that is what a script has to know.
func partialCode(partial *PartialError) int {
	if len(partial.Errors) == 0 {
		return Partial
	}
	if slices.ContainsFunc(partial.Errors, func(err error) bool { return errors.Is(err, registry.ErrDrift) }) {
		return Drift
	}
	for _, err := range partial.Errors {
		if !refused(err) {
			return Partial
		}
	}
	return Unauthorized
}

func refused(err error) bool {
	return errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden)
}

// Hint is the advice that an error brings along; empty where it brings none.
func Hint(err error) string {
	var advising interface{ Hint() string }
	if errors.As(err, &advising) {
		return advising.Hint()
	}
	return ""
}
