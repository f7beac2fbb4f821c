package locking

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func digest(letter string) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(letter, 64)}
}

func at(repository string) versions.Artifact {
	return versions.Artifact{Target: ref.Reference{Host: "r.example.com", Repository: repository, Tag: "1"}}
}

func locked(repository, letter string) lock.Artifact {
	return lock.Artifact{Artifact: at(repository), Digest: digest(letter)}
}

func moved(repository, letter string, state plan.State, err error) transfer.Result {
	return transfer.Result{Artifact: &plan.Artifact{Artifact: at(repository), Digest: digest(letter).String(), State: state}, Err: err}
}

// What is as the lock has it is not read again, what failed is not written down, and what nobody selects any
// more is retired.
func TestRecorder(t *testing.T) {
	was := &lock.Lock{Schema: lock.Schema, Artifacts: []lock.Artifact{locked("same", "a"), locked("other", "a"), locked("gone", "a"), locked("broken", "a")}}
	r := newRecorder(was, []transfer.Result{
		moved("same", "a", plan.StatePresent, nil), moved("other", "b", plan.StateUpdate, nil), moved("new", "c", plan.StateNew, nil),
		moved("broken", "b", plan.StateUpdate, errors.New("no")), moved("skipped", "d", plan.StateSkip, nil),
	})
	var done []string
	for _, a := range r.done {
		done = append(done, a.Target.Repository)
	}
	if want := []string{"other", "new"}; !slices.Equal(done, want) {
		t.Errorf("newRecorder().done = %v, want %v", done, want)
	}
	if slices.ContainsFunc(r.kept.Artifacts, func(a lock.Artifact) bool { return a.Target.Repository == "other" }) {
		t.Error("newRecorder() keeps what was replaced")
	}
	r.wanted(r.kept)
	for _, a := range r.kept.Artifacts {
		if want := a.Target.Repository == "gone"; a.Retired != want {
			t.Errorf("wanted() says of %s that it is retired: %v, want %v", a.Target.Repository, a.Retired, want)
		}
	}
}

func TestContentDeviates(t *testing.T) {
	was := locked("image", "a")
	was.Attachments = []v1.Hash{digest("1")}
	drifted := &plan.Artifact{Artifact: at("drifted"), State: plan.StateFailed, Err: fmt.Errorf("%w: other", registry.ErrDrift)}
	planned := &plan.Plan{Artifacts: []*plan.Artifact{
		{Artifact: at("image"), Attachments: []string{"v.example.com/image@" + digest("1").String(), "v.example.com/image@" + digest("2").String()}}, drifted,
	}}
	got := strings.Join(ContentDeviates(planned, &lock.Lock{Schema: lock.Schema, Artifacts: []lock.Artifact{was}}), "\n")
	for _, want := range []string{digest("2").String() + " is attached to r.example.com/image:1 at the source, and not in the lock", "drifted"} {
		if !strings.Contains(got, want) {
			t.Errorf("ContentDeviates() = %s, want %q in it", got, want)
		}
	}
	if strings.Contains(got, digest("1").String()) {
		t.Errorf("ContentDeviates() = %s, and the lock has that attachment", got)
	}
}

// A long list of differences is cut, and says so.
func TestDeviationError(t *testing.T) {
	err := &DeviationError{Path: "pgrelocate.lock", Differences: slices.Repeat([]string{"x"}, 25)}
	if !errors.Is(err, registry.ErrDrift) || !strings.HasSuffix(err.Error(), "and 5 more") || strings.Count(err.Error(), "x\n") != 20 {
		t.Errorf("DeviationError = %v, want 20 lines and how many more there are", err)
	}
}
