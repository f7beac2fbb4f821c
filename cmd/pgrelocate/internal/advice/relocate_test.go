package advice

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Where artifacts failed, the first of them is advised on; where nothing at all was there, the
// place is.
func TestForPartialFailures(t *testing.T) {
	failed := func(repository string, err error) error {
		artifact := versions.Artifact{Source: ref.Reference{Host: "r.example.com", Repository: "pg/" + repository, Tag: "v1"}}
		return &relocate.ArtifactError{Artifact: artifact, Err: &registry.Error{
			Op: "fetching", Side: registry.SideSource, Host: "r.example.com", Ref: artifact.Source.String(), Err: err,
		}}
	}
	below := func(op string) error {
		err := failed("a", registry.ErrNotFound).(*relocate.ArtifactError)                               //nolint:errorlint // it was made so
		err.Err.(*registry.Error).Op, err.Err.(*registry.Error).Ref = op, "r.example.com/pg/a@sha256:aa" //nolint:errorlint // as above
		return err
	}
	const unreachable = "is r.example.com the right name and port, and can this machine reach it?"
	const elsewhere = "nothing at all was found in r.example.com/pg: does it lie in another folder (--source HOST/PATH)?"
	tests := []struct {
		name string
		errs []error
		want string
	}{
		{"one", []error{failed("a", registry.ErrUnreachable), failed("b", registry.ErrNotFound)}, unreachable},
		{"all missing", []error{failed("a", registry.ErrNotFound), failed("b", registry.ErrNotFound)}, elsewhere},
		{"all lack a blob", []error{below("fetching blob"), below("fetching blob")},
			"r.example.com does not have all that the catalogue says of this release: leave it out with --versions, --editions or --extras, or correct the catalogue with --catalogue FILE"},
		{"some missing", []error{failed("a", registry.ErrNotFound)},
			"r.example.com does not have all that the catalogue says of this release: leave it out with --versions, --editions or --extras, or correct the catalogue with --catalogue FILE"},
	}
	for _, tt := range tests {
		if got := For(&exit.PartialError{Thing: "artifacts", Total: 2, Errors: tt.errs}); got != tt.want {
			t.Errorf("%s: For() = %q, want %q", tt.name, got, tt.want)
		}
	}
}
