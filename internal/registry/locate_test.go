package registry

import (
	"errors"
	"testing"
)

// unnamed is a source that does not know which it is, and named one that does.
type (
	unnamed struct{ Source }
	named   struct{ Source }
)

func (named) Side() Side   { return SideTarget }
func (named) Host() string { return "r.example.com" }

// What is wrong with content is told with the place where it lies.
func TestLocated(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name      string
		source    Source
		reference string
		err       error
		want      string
	}{
		{"a tag", named{}, "v1", broken, "target: reading r.example.com/a:v1: broken"},
		{"a digest", named{}, "sha256:aa", broken, "target: reading r.example.com/a@sha256:aa: broken"},
		{"no registry", unnamed{}, "v1", broken, "reading a:v1: broken"},
		{"it says so itself", named{}, "v1", &Error{Op: "fetching", Ref: "b", Err: broken}, "fetching b: broken"},
	}
	for _, tt := range tests {
		err := Located(tt.source, "reading", "a", tt.reference, tt.err)
		if err.Error() != tt.want || !errors.Is(err, broken) {
			t.Errorf("%s: Located() = %q, want %q", tt.name, err, tt.want)
		}
	}
	if err := Located(named{}, "reading", "a", "v1", nil); err != nil {
		t.Errorf("Located(nil) = %v", err)
	}
}
