package lock

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThen(t *testing.T) {
	old := &Checked{Signed: "sha256:a", Key: "sha256:k", Created: "2026-01-01T00:00:00Z", At: "2026-01-02T00:00:00Z"}
	again := &Checked{Signed: "sha256:a", Key: "sha256:k", At: "2026-02-02T00:00:00Z"}
	other := &Checked{Signed: "sha256:a", Key: "sha256:l", At: "2026-02-02T00:00:00Z"}
	for _, tt := range []struct {
		name              string
		first, then, want *Checked
	}{
		{"nothing new", old, nil, old},
		{"nothing before", nil, again, again},
		{"the same again, which is nothing to record", old, again, old},
		{"another key", old, other, &Checked{Signed: "sha256:a", Key: "sha256:l", Created: old.Created, At: other.At}},
		{"nothing", nil, nil, nil},
	} {
		if diff := cmp.Diff(tt.want, tt.first.Then(tt.then)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if diff := cmp.Diff(old, NewChecked(old.Plan())); diff != "" {
		t.Errorf("it does not come back from a plan (-want +got):\n%s", diff)
	}
	for _, wrong := range []*Checked{{Signed: "x"}, {At: "yesterday"}, {Key: string(make([]byte, 5000))}} {
		if wrong.check() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}
