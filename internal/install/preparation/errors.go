package preparation

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ErrNotMirrored: an image that is needed is not in the private registry. Callers ask with errors.Is.
var ErrNotMirrored = verify.ErrNotMirrored

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
	Places  []naming.Leftover
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
	case cause == naming.NoReference:
		text = fmt.Sprintf("%s names in %s what is no reference to an image", thing, english.Plural(len(e.Places), "place", ""))
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
	for _, cause := range []naming.Cause{naming.NotRelocated, naming.Unchanged, naming.NamesSource, naming.Elsewhere, naming.NoReference} {
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
