package install

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrInUse: databases exist.
	ErrInUse = errors.New("databases exist")
	// ErrMayPush: the credentials that go into the cluster may write to the registry.
	ErrMayPush = errors.New("the credentials that go into the cluster are allowed to push")
	// ErrChartsSecret: the chart itself brings a secret of the pull secret's name.
	ErrChartsSecret = errors.New("the chart brings the pull secret")
)

// Failure is a run that ended before its end, with the state that it left the cluster in.
type Failure struct {
	// Step is the name of the step that failed.
	Step string
	Err  error
	// Unchanged says that nothing in the cluster was changed.
	Unchanged bool
	// Done is what was changed before, in words.
	Done []string
	// TakenBack is what became of the objects that the run made, where it was to take them back;
	// nil where it was not.
	TakenBack *helm.Changes
	// SkippedHooks are the chart's hooks for uninstalling that were not run while taking back, for
	// there are databases, or may be.
	SkippedHooks []string
	// Definitions is what became of CRDs, where the run was to take back what it had made; nil where it was not,
	// or while it cannot.
	Definitions *definitions.Back
	// State is that of the helm release; nil where the run had not come to it.
	State *helm.Situation
}

// Error names the step and the cause, and below them what is left.
func (f *Failure) Error() string {
	text := f.Step + ": " + f.Err.Error()
	if f.Unchanged {
		text += "\n  nothing in the cluster was changed"
	}
	if len(f.Done) > 0 {
		text += "\n  done before: " + strings.Join(f.Done, ", ")
	}
	for _, line := range takenBack(f.TakenBack) {
		text += "\n  " + line
	}
	for _, line := range saysOfDefinitions(f.Definitions) {
		text += "\n  " + line
	}
	if len(f.SkippedHooks) > 0 {
		text += "\n  not run, for databases exist or may exist, were the chart's hooks for uninstalling: " + some(f.SkippedHooks)
	}
	if f.State != nil {
		text += "\n  " + f.State.String()
	}
	return text
}

// takenBack says what became of what a run had made.
func takenBack(changes *helm.Changes) []string {
	if changes == nil {
		return nil
	}
	lines := []string{fmt.Sprintf("taken back: %s that this run had made", english.Plural(len(changes.Gone), "object", ""))}
	add := func(what string, objects []string) {
		if len(objects) > 0 {
			lines = append(lines, what+": "+some(objects))
		}
	}
	add("made by this run, and still there", changes.Made)
	add("there before this run, and still there", changes.Stayed)
	if changes.Err != nil {
		lines = append(lines, "what is left is not known for certain: "+changes.Err.Error())
	}
	return lines
}

// mostNamed is how many things are named in one line.
const mostNamed = 6

// some names things, or the first of many.
func some(names []string) string {
	if len(names) <= mostNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed-1], ", "), len(names)-mostNamed+1)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// UnmirroredError lists versions without an image in the private registry. It is an
// preparation.ErrNotMirrored.
type UnmirroredError struct{ Versions []string }

// Error lists them.
func (e *UnmirroredError) Error() string {
	return fmt.Sprintf("%s without an image in the registry: %s: %v", english.Plural(len(e.Versions), "version", ""), strings.Join(e.Versions, ", "), preparation.ErrNotMirrored)
}

// Is makes it an preparation.ErrNotMirrored.
func (e *UnmirroredError) Is(target error) bool { return target == preparation.ErrNotMirrored }

// NoReleaseError says that there is no such release. It is a verify.ErrNotInstalled.
type NoReleaseError struct {
	Owner cluster.Owner
	// Elsewhere are namespaces that have a release of that name, as far as that may be looked at.
	Elsewhere []string
	// Unseen is why it could not be looked for in ConfigMaps too; nil where it was.
	Unseen error
}

// Error names the release.
func (e *NoReleaseError) Error() string {
	text := fmt.Sprintf("there is no helm release %s in namespace %s, %s; nothing was removed",
		e.Owner.Release, e.Owner.Namespace, helm.Looked(e.Unseen))
	if len(e.Elsewhere) > 0 {
		text += fmt.Sprintf("\n  there is one in namespace %s", strings.Join(e.Elsewhere, ", "))
	}
	return text
}

// Is makes it a verify.ErrNotInstalled.
func (e *NoReleaseError) Is(target error) bool { return target == verify.ErrNotInstalled }

// InUseError lists the databases that exist. It is an ErrInUse.
type InUseError struct{ Instances []cluster.Instance }

// Error lists them, one a line.
func (e *InUseError) Error() string {
	n := len(e.Instances)
	text := fmt.Sprintf("%s %s; nothing was removed", english.Plural(n, "database", ""), english.PluralWord(n, "exists", "exist"))
	for _, instance := range e.Instances {
		text += "\n  " + instance.Kind + " " + instance.String()
	}
	return text
}

// Is makes it an ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// UnseenError says that nobody can tell which databases there are.
type UnseenError struct{ Reasons []error }

// Error lists the reasons, one a line.
func (e *UnseenError) Error() string {
	text := "which databases there are cannot be seen; nothing was removed"
	for _, reason := range e.Reasons {
		text += "\n  " + reason.Error()
	}
	return text
}

// Unwrap returns the reasons.
func (e *UnseenError) Unwrap() []error { return e.Reasons }

// UnservedError says that the objects of a CRD cannot be seen, databases perhaps.
type UnservedError struct{ Definition string }

// Error names the CRD.
func (e *UnservedError) Error() string {
	return fmt.Sprintf("CRD %s is there, and the cluster serves none of its versions", e.Definition)
}

// UninstallError is an uninstall that ended before its end, with the state that it left.
type UninstallError struct {
	Err   error
	State helm.Situation
}

// Error says the cause, and below it the state.
func (e *UninstallError) Error() string { return e.Err.Error() + "\n  " + e.State.String() }

// Unwrap returns the cause.
func (e *UninstallError) Unwrap() error { return e.Err }
