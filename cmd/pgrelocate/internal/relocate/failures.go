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

// Unwrap returns the reason.
func (e *ArtifactError) Unwrap() error { return e.Err }

// failures collects what failed of so many artifacts. Use newFailures.
type failures struct{ partial exit.PartialError }

func newFailures(total int) *failures {
	return &failures{exit.PartialError{Thing: "artifacts", Total: total}}
}

func (f *failures) add(artifact versions.Artifact, err error) {
	if err != nil {
		f.partial.Errors = append(f.partial.Errors, &ArtifactError{artifact, err})
	}
}

func (f *failures) lacking(artifact versions.Artifact, err error) {
	f.partial.Incomplete = append(f.partial.Incomplete, &ArtifactError{artifact, err})
}

// err is an *exit.PartialError, nil where nothing failed.
func (f *failures) err() error {
	if len(f.partial.Errors)+len(f.partial.Incomplete) == 0 {
		return nil
	}
	return &f.partial
}

// failuresOfPlan are the artifacts that cannot be copied, or not with all that is attached.
func failuresOfPlan(planned *plan.Plan) error {
	failed := newFailures(len(planned.Artifacts))
	for _, artifact := range planned.Artifacts {
		if artifact.State == plan.StateFailed {
			failed.add(artifact.Artifact, artifact.Err)
		} else if artifact.Incomplete != nil {
			failed.lacking(artifact.Artifact, artifact.Incomplete)
		}
	}
	return failed.err()
}

// failuresOfCopy are the artifacts that were not copied, or not with all that is attached.
// What an interruption kept from being copied did not fail.
func failuresOfCopy(report *transfer.Report) error {
	failed := newFailures(len(report.Results))
	for _, result := range report.Results {
		if exit.Code(result.Err) != exit.Interrupted {
			failed.add(result.Artifact.Artifact, result.Err)
		}
		if result.Incomplete != nil {
			failed.lacking(result.Artifact.Artifact, result.Incomplete)
		}
	}
	return failed.err()
}
