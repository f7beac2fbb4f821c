package transfer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// The in-process registry answers a mount with 202, so that this holds for registries
// that refuse mounts too: the source is still read once.
func TestSharedLayersAreFetchedOnce(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	shared := randomLayer(t, 3<<20)
	refs := append(tags("one", 3), tags("two", 2)...)
	for _, ref := range refs {
		push(t, w.from, ref, imageOf(t, shared, randomLayer(t, 10_000)))
	}
	planned, report := w.copy(t, plan.Options{}, refs...)
	wantStates(t, planned, "new new new new new")
	wantCopied(t, report)
	if report.BytesFetched != planned.BytesToMove {
		t.Errorf("fetched %d bytes, the plan says %d", report.BytesFetched, planned.BytesToMove)
	}
	for _, ref := range refs {
		if got, want := digestAt(t, w.to, "mirror/"+ref), digestAt(t, w.from, ref); got != want || got == "" {
			t.Errorf("%s is %q at the target, %q at the source", ref, got, want)
		}
	}
	again := w.plan(t, plan.Options{}, refs...)
	wantStates(t, again, "present present present present present")
}

// Manifests do not count, and neither does what is there already.
func TestBytesOfAReport(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	there := randomLayer(t, 5_000)
	push(t, w.to, "mirror/one:other", imageOf(t, there))
	push(t, w.from, "one:v0", imageOf(t, there, randomLayer(t, 3_000)))
	planned, report := w.copy(t, plan.Options{}, "one:v0")
	wantCopied(t, report)
	if want := planned.BytesToMove; report.BytesFetched != want || report.BytesSent != want || want < 3_000 || want > 5_000 {
		t.Errorf("BytesFetched = %d and BytesSent = %d, want BytesToMove, %d", report.BytesFetched, report.BytesSent, want)
	}
}

func TestWhatIsPresentCostsOneRequestASide(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	refs := tags("one", 5)
	for _, ref := range refs {
		push(t, w.from, ref, imageOf(t, randomLayer(t, 1_000)))
	}
	_, report := w.copy(t, plan.Options{}, refs...)
	wantCopied(t, report)
	out, in := w.out.Requests.Load(), w.in.Requests.Load()
	w.copy(t, plan.Options{WithoutAttachments: true}, refs...)
	if out, in = w.out.Requests.Load()-out, w.in.Requests.Load()-in; out != 5 || in != 5 {
		t.Errorf("5 artifacts that are present took %d requests at the source and %d at the target, want 5 and 5", out, in)
	}
}

func TestConflicts(t *testing.T) {
	tests := []struct {
		answer plan.OnConflict
		state  string
		moved  bool
	}{
		{"", "failed new", false},
		{plan.ConflictFail, "failed new", false},
		{plan.ConflictSkip, "skip new", false},
		{plan.ConflictUpdate, "update new", true},
	}
	for _, tt := range tests {
		t.Run(string(tt.answer), func(t *testing.T) {
			w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
			vendors := push(t, w.from, "one:v0", imageOf(t, randomLayer(t, 1_000)))
			push(t, w.from, "one:v1", imageOf(t, randomLayer(t, 1_000)))
			ours := push(t, w.to, "mirror/one:v0", imageOf(t, randomLayer(t, 1_000)))
			planned, report := w.copy(t, plan.Options{OnConflict: tt.answer}, "one:v0", "one:v1")
			wantStates(t, planned, tt.state)
			if err := report.Results[0].Err; planned.Artifacts[0].State == plan.StateFailed && !errors.Is(err, registry.ErrConflict) {
				t.Errorf("the error is %v, want ErrConflict", err)
			}
			want := ours
			if tt.moved {
				want = vendors
			}
			if got := digestAt(t, w.to, "mirror/one:v0"); got != want.String() {
				t.Errorf("the tag holds %s, want %s", got, want)
			}
			if digestAt(t, w.to, "mirror/one:v1") == "" {
				t.Error("the conflict stopped the other artifact")
			}
		})
	}
}

func TestOneMissingArtifactStopsNoOther(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	push(t, w.from, "one:v1", imageOf(t, randomLayer(t, 1_000)))
	planned, report := w.copy(t, plan.Options{}, "one:v0", "one:v1", "nothing:v0")
	wantStates(t, planned, "failed new failed")
	if report.Copied != 1 || report.Failed != 2 {
		t.Errorf("copied %d and failed %d, want 1 and 2", report.Copied, report.Failed)
	}
	var failed *registry.Error
	if err := report.Results[0].Err; !errors.Is(err, registry.ErrNotFound) || !errors.As(err, &failed) || failed.Side != registry.SideSource {
		t.Errorf("the error is %v, want ErrNotFound at the source", err)
	}
}

func TestUnreachableRegistryIsSaidOnce(t *testing.T) {
	w := newWorld(t, "127.0.0.1:1", startRegistry(t, true))
	started := time.Now()
	_, err := plan.New(context.Background(), w.ends, w.artifacts(tags("one", 20)...), plan.Options{})
	if !errors.Is(err, registry.ErrUnreachable) {
		t.Errorf("NewPlan without a source = %v, want ErrUnreachable", err)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("that took %s: each artifact found out for itself", took)
	}
}

func TestInterruptedCopyLeavesNoTagAndCarriesOn(t *testing.T) {
	w := newWorld(t, startRegistry(t, true), startRegistry(t, true))
	refs := tags("one", 4)
	for _, ref := range refs {
		push(t, w.from, ref, imageOf(t, randomLayer(t, 2<<20)))
	}
	planned := w.plan(t, plan.Options{}, refs...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	report, err := transfer.Copy(ctx, w.ends, planned, transfer.Options{Jobs: 1, ArtifactDone: func(transfer.Result) { cancel() }})
	if !errors.Is(err, context.Canceled) || report.Copied != 1 || report.Failed != 3 {
		t.Fatalf("interrupted after one artifact: copied %d, failed %d, error %v", report.Copied, report.Failed, err)
	}
	planned, report = w.copy(t, plan.Options{}, refs...)
	wantCopied(t, report)
	if report.Present != 1 || report.Copied != 3 {
		t.Errorf("the second run found %d and copied %d (%s), want 1 and 3", report.Present, report.Copied, states(planned))
	}
}
