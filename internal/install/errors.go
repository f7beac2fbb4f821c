package install

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotMirrored: an image that is needed is not in the private registry.
	ErrNotMirrored = verify.ErrNotMirrored
	// ErrInUse: databases exist.
	ErrInUse = errors.New("databases exist")
	// ErrMayPush: the credentials that go into the cluster may write to the registry.
	ErrMayPush = errors.New("the credentials that go into the cluster are allowed to push")
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
	// State is that of the helm release; nil where the run had not come to it.
	State *helm.State
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

// NoChartError says that no chart is known for a release.
type NoChartError struct{ Product, Release string }

// Error names the release.
func (e *NoChartError) Error() string {
	return fmt.Sprintf("no chart is known for %s %s", e.Product, e.Release)
}

// AbsentError says that what an install needs is not in the private registry. It is an
// ErrNotMirrored unless another error is the reason for an image.
type AbsentError struct {
	// Target, Product and Release are where a relocation would put it; Product is its name, and
	// may be empty for the default one.
	Target  ref.Folder
	Product string
	Release string
	// Chart is the chart, where that is what is missing; else Images are, each with its reason.
	Chart  string
	Images []string
	Err    error
}

// Error names the chart, or the images one a line.
func (e *AbsentError) Error() string {
	if e.Chart != "" {
		return fmt.Sprintf("chart %s: %v", e.Chart, e.Err)
	}
	return fmt.Sprintf("%s that the operator needs cannot be pulled\n  %s", english.Plural(len(e.Images), "image", ""), strings.Join(e.Images, "\n  "))
}

// Unwrap returns the reason, that of the last image where there are several.
func (e *AbsentError) Unwrap() error { return e.Err }

// OtherReleaseError says that a chart knows none of a release's values: it belongs to another.
type OtherReleaseError struct{ Chart, Release string }

// Error names both.
func (e *OtherReleaseError) Error() string {
	return fmt.Sprintf("chart %s knows none of the values of %s", e.Chart, e.Release)
}

// ProofError lists the places of a rendering that name what is not below the target.
type ProofError struct {
	// Target, Product and Release are where a relocation would put what is missing; Product is
	// its name, and may be empty for the default one.
	Target  ref.Folder
	Product string
	Release string
	Places  []naming.Place
	// Thing is what names them; "the rendered chart" when empty.
	Thing string
}

// Error says what is wrong, and lists the places, one a line, with the cause where there are several.
func (e *ProofError) Error() string {
	var text string
	thing := cmp.Or(e.Thing, "the rendered chart")
	cause, one := e.Cause()
	switch {
	case !one:
		text = fmt.Sprintf("%s names what is not in %s in %s", thing, e.Target, english.Plural(len(e.Places), "place", ""))
	case cause == naming.NotRelocated:
		text = fmt.Sprintf("%s names images that were not relocated in %s", thing, english.Plural(len(e.Places), "place", ""))
	case cause == naming.Unchanged:
		text = fmt.Sprintf("%s names relocated images where they come from in %s", thing, english.Plural(len(e.Places), "place", ""))
	case cause == naming.NamesSource:
		text = fmt.Sprintf("%s still names the source registry in %s", thing, english.Plural(len(e.Places), "place", ""))
	default:
		text = fmt.Sprintf("%s names images outside of %s in %s", thing, e.Target, english.Plural(len(e.Places), "place", ""))
	}
	for _, place := range e.Places {
		text += "\n  " + place.Use.String() + ": " + place.Text
		if !one {
			text += " (" + string(place.Cause) + ")"
		}
	}
	return text
}

// Cause is the gravest of the places' causes, and whether it is the only one.
func (e *ProofError) Cause() (cause naming.Cause, one bool) {
	for _, cause := range []naming.Cause{naming.NotRelocated, naming.Unchanged, naming.NamesSource, naming.Elsewhere} {
		count := 0
		for _, place := range e.Places {
			if place.Cause == cause {
				count++
			}
		}
		if count > 0 {
			return cause, count == len(e.Places)
		}
	}
	return "", true
}

// UnmirroredError lists versions without an image in the private registry. It is an
// ErrNotMirrored.
type UnmirroredError struct{ Versions []string }

// Error lists them.
func (e *UnmirroredError) Error() string {
	return fmt.Sprintf("%s without an image in the registry: %s: %v", english.Plural(len(e.Versions), "version", ""), strings.Join(e.Versions, ", "), ErrNotMirrored)
}

// Is makes it an ErrNotMirrored.
func (e *UnmirroredError) Is(target error) bool { return target == ErrNotMirrored }

// RefusedManifestError says that what helm was about to send is not what was found good, so that
// nothing of it was sent.
type RefusedManifestError struct{ Err error }

// Error says why.
func (e *RefusedManifestError) Error() string {
	return "what the chart renders in this cluster is not what was checked, and was not sent: " + e.Err.Error()
}

// Unwrap returns why.
func (e *RefusedManifestError) Unwrap() error { return e.Err }

// UnaskedError lists images that the private registry was not asked for.
type UnaskedError struct{ Images []string }

// Error lists them, one a line.
func (e *UnaskedError) Error() string {
	return fmt.Sprintf("it names %s that nobody looked for\n  %s", english.Plural(len(e.Images), "image", ""), strings.Join(e.Images, "\n  "))
}

// NoReleaseError says that there is no such release. It is a verify.ErrNotInstalled.
type NoReleaseError struct {
	Owner cluster.Owner
	// Elsewhere are namespaces that have a release of that name, as far as that may be looked at.
	Elsewhere []string
}

// Error names the release.
func (e *NoReleaseError) Error() string {
	text := fmt.Sprintf("there is no helm release %s in namespace %s; nothing was removed", e.Owner.Release, e.Owner.Namespace)
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
	text := fmt.Sprintf("%d %v; nothing was removed", len(e.Instances), ErrInUse)
	for _, instance := range e.Instances {
		text += "\n  " + instance.Kind + " " + instance.String()
	}
	return text
}

// Is makes it an ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// UninstallError is an uninstall that ended before its end, with the state that it left.
type UninstallError struct {
	Err   error
	State helm.State
}

// Error says the cause, and below it the state.
func (e *UninstallError) Error() string { return e.Err.Error() + "\n  " + e.State.String() }

// Unwrap returns the cause.
func (e *UninstallError) Unwrap() error { return e.Err }
