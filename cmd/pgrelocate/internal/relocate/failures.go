package relocate

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// ArtifactError is one artifact that failed, or that lacks something attached to it.
type ArtifactError struct {
	Artifact versions.Artifact
	Err      error
}

// Error is the reason. Most name the artifact themselves.
func (e *ArtifactError) Error() string {
	reason := e.Err.Error()
	if name := output.Short(e.Artifact.Target); !strings.Contains(reason, name) {
		return name + ": " + reason
	}
	return reason
}

// Reference is the artifact at the target.
func (e *ArtifactError) Reference() string { return e.Artifact.Target.String() }

// Unwrap returns the reason.
func (e *ArtifactError) Unwrap() error { return e.Err }

// Failures collects what failed of so many artifacts. Use NewFailures.
type Failures struct{ partial exit.PartialError }

// NewFailures is empty, of so many artifacts.
func NewFailures(total int) *Failures {
	return &Failures{exit.PartialError{Thing: "artifacts", Total: total}}
}

// Add adds what an artifact failed by; nil is nothing.
func (f *Failures) Add(artifact versions.Artifact, err error) {
	if err != nil {
		f.partial.Errors = append(f.partial.Errors, &ArtifactError{artifact, err})
	}
}

func (f *Failures) lacking(artifact versions.Artifact, err error) {
	f.partial.Incomplete = append(f.partial.Incomplete, &ArtifactError{artifact, err})
}

// Err is an *exit.PartialError, nil where nothing failed.
func (f *Failures) Err() error {
	if len(f.partial.Errors)+len(f.partial.Incomplete) == 0 {
		return nil
	}
	return &f.partial
}

// FailuresOfPlan are the artifacts that cannot be copied, or not with all that is attached.
func FailuresOfPlan(planned *plan.Plan) error {
	failed := NewFailures(len(planned.Artifacts))
	for _, artifact := range planned.Artifacts {
		if artifact.State == plan.StateFailed {
			failed.Add(artifact.Artifact, artifact.Err)
		} else if artifact.Incomplete != nil {
			failed.lacking(artifact.Artifact, artifact.Incomplete)
		}
	}
	return failed.Err()
}

// FailuresOfCopy are the artifacts that were not copied, or not with all that is attached.
// What an interruption kept from being copied did not fail.
func FailuresOfCopy(report *transfer.Tally) error {
	failed := NewFailures(len(report.Results))
	for _, result := range report.Results {
		if exit.Code(result.Err) != exit.Interrupted {
			failed.Add(result.Artifact.Artifact, result.Err)
		}
		if result.Incomplete != nil {
			failed.lacking(result.Artifact.Artifact, result.Incomplete)
		}
	}
	return failed.Err()
}
