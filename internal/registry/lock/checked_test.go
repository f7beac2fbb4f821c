package lock

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
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

// What was checked of an artifact counts for it alone, and only as long as it is what it was.
func TestChecks(t *testing.T) {
	at := func(tag string) versions.Artifact {
		return versions.Artifact{Target: ref.Reference{Host: "h", Repository: "r", Tag: tag}}
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: "a"}
	l := &Lock{Artifacts: []Artifact{
		{Artifact: at("signed"), Digest: digest, Checked: &Checked{Key: "sha256:k"}}, {Artifact: at("unchecked"), Digest: digest},
	}}
	checked := l.Checks()
	for _, tt := range []struct{ tag, digest, want string }{
		{"signed", digest.String(), "sha256:k"}, {"signed", "sha256:b", ""}, {"unchecked", digest.String(), ""}, {"other", digest.String(), ""},
	} {
		got := ""
		if c := checked(&plan.Artifact{Artifact: at(tt.tag), Digest: tt.digest}); c != nil {
			got = c.Key
		}
		if got != tt.want {
			t.Errorf("Checks()(%s %s) is by key %q, want %q", tt.tag, tt.digest, got, tt.want)
		}
	}
}
