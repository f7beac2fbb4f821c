package advice

import (
	"fmt"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// Two artifacts that want one tag are no conflict that a flag could settle.
func TestForConflicts(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&plan.ConflictError{Held: "sha256:a", Wanted: "sha256:b"}, "--on-conflict update moves the tag, --on-conflict skip leaves it as it is"},
		{fmt.Errorf("%w: both a and b would stand there", registry.ErrConflict), ""},
	}
	for _, tt := range tests {
		err := &registry.Error{Op: "comparing", Side: registry.SideTarget, Ref: "r.example.com/a:v1", Err: tt.err}
		if got := For(err); got != tt.want {
			t.Errorf("For(%v) = %q, want %q", err, got, tt.want)
		}
	}
}
