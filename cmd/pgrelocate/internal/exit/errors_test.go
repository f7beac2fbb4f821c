package exit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func refusal(err error) error {
	return &registry.Error{Op: "fetching manifest", Side: registry.SideSource, Ref: "example.com/a:b", Err: err}
}

func TestCode(t *testing.T) {
	other := errors.New("disk full")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"nil", nil, OK},
		{"anything", other, Failure},
		{"usage", Usagef("no such flag"), Usage},
		{"wrapped usage", fmt.Errorf("planning: %w", Usagef("no such flag")), Usage},
		{"401", refusal(registry.ErrUnauthorized), Unauthorized},
		{"403", refusal(registry.ErrForbidden), Unauthorized},
		{"not found", refusal(registry.ErrNotFound), Failure},
		{"verification", &VerificationError{Err: other}, Verification},
		{"interrupted", fmt.Errorf("copying: %w", ErrInterrupted), Interrupted},
		{"cancelled", fmt.Errorf("copying: %w", context.Canceled), Interrupted},
		{"timed out is no interruption", context.DeadlineExceeded, Failure},
		{"a report is missing", &ReportError{Errs: []error{other}}, Unreported},
		{"a registry that does not answer, of artifacts", fmt.Errorf("planning: %w", Unanswered(refusal(registry.ErrUnreachable))), Partial},
		{"a registry that does not answer, otherwise", refusal(registry.ErrUnreachable), Failure},
		{"a certificate that is not trusted", Unanswered(refusal(errors.Join(registry.ErrUnreachable, &registry.CertificateError{Err: other}))), Failure},
		{"another failure of artifacts", Unanswered(other), Failure},
		{"some failed", &PartialError{Total: 3, Errors: []error{other}}, Partial},
		{"some refused, some failed", &PartialError{Total: 3, Errors: []error{other, refusal(registry.ErrUnauthorized)}}, Partial},
		{"the worst of several registries", &TargetsError{Total: 3, Failed: []TargetError{{"a", &PartialError{Total: 3, Errors: []error{other}}}, {"b", refusal(registry.ErrUnauthorized)}}}, Unauthorized},
		{"one of several registries is out of reach", &TargetsError{Total: 2, Failed: []TargetError{{"a", refusal(registry.ErrForbidden)}, {"b", other}}}, Failure},
		{"several registries, interrupted", &TargetsError{Total: 2, Failed: []TargetError{{"a", other}, {"b", ErrInterrupted}}}, Interrupted},
		{"all failures are refusals", &PartialError{Total: 3, Errors: []error{refusal(registry.ErrForbidden), refusal(registry.ErrUnauthorized)}}, Unauthorized},
	}
	for _, tt := range tests {
		if got := Code(tt.err); got != tt.want {
			t.Errorf("%s: Code(%v) = %d, want %d", tt.name, tt.err, got, tt.want)
		}
	}
}

func TestHint(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no error", nil, ""},
		{"no advice", errors.New("disk full"), ""},
		{"usage", Usagef("no such flag").WithHint("see %s", "--help"), "see --help"},
		{"wrapped", fmt.Errorf("planning: %w", Usagef("no login").WithHint("log in")), "log in"},
		{"first of many", &PartialError{Errors: []error{errors.New("disk full"), Usagef("no login").WithHint("log in")}}, "log in"},
	}
	for _, tt := range tests {
		if got := Hint(tt.err); got != tt.want {
			t.Errorf("%s: Hint(%v) = %q, want %q", tt.name, tt.err, got, tt.want)
		}
	}
}

func TestMeaningsAscend(t *testing.T) {
	last := -1
	for _, m := range Meanings() {
		if m.Code <= last || m.Name == "" || m.Text == "" {
			t.Errorf("Meanings() has %+v after code %d, want ascending codes with name and text", m, last)
		}
		last = m.Code
	}
}
