package helm_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// job is a hook that has to end before helm goes on.
const job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-delete-policy: before-hook-creation}}\n" +
	"spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}\n"

// refusing answers requests of a method to paths that end so.
func refusing(method, suffix string, code int, reason, message string) func(*http.Request) *clustertest.Refusal {
	return func(r *http.Request) *clustertest.Refusal {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return nil
		}
		return &clustertest.Refusal{Code: code, Reason: reason, Message: message}
	}
}

// ends lets the hook's job end so, once somebody watches it.
func (b *bench) ends(condition string) {
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.URL.Query().Get("watch") != "" && strings.HasSuffix(r.URL.Path, "/jobs") {
			b.SetStatus("jobs.batch", "pg", "migrate", map[string]any{"conditions": []any{map[string]any{"type": condition, "status": "True", "reason": "BackoffLimitExceeded"}}})
		}
		return nil
	})
}

// A hook's job is waited for by what the cluster tells of it; where it fails, so does the release, and nothing of
// the manifest is sent.
func TestHookIsWaitedFor(t *testing.T) {
	t.Parallel()
	templates := map[string]string{"a.yaml": first, "h.yaml": job}
	b := newBench(t)
	b.ends("Complete")
	b.mustInstall(t, templates)
	if !b.has("first") {
		t.Error("Install() with a hook that ends well did not send the manifest")
	}
	b = newBench(t)
	b.ends("Failed")
	if _, err := b.install(t, templates); err == nil || !strings.Contains(err.Error(), "BackoffLimitExceeded") || b.has("first") {
		t.Errorf("Install() with a hook that fails = %v, manifest sent: %v, want the hook's reason and nothing sent", err, b.has("first"))
	}
	b.Refuse(nil)
	if got := b.state(t); got != "helm release house is now at revision 1 in state failed" {
		t.Errorf("State() = %s, want revision 1, failed", got)
	}
}

// A hook that does not end in time is named, with what holds it up.
func TestHookThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.install(t, map[string]string{"a.yaml": first, "h.yaml": job}, func(r *helm.Request) { r.Timeout = time.Second })
	if !errors.Is(err, cluster.ErrNotReady) || !strings.Contains(err.Error(), "not ready: Job pg/migrate: ") || b.has("first") {
		t.Errorf("Install() with a hook that does not end = %v, want which it is, and why", err)
	}
}

// A hook that never ends is waited for no longer than the run lasts.
func TestHookInterrupted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.URL.Query().Get("watch") != "" && strings.HasSuffix(r.URL.Path, "/jobs") {
			cancel(enough)
		}
		return nil
	})
	request := helm.Request{Name: "house", Chart: pack(t, map[string]string{"a.yaml": first, "h.yaml": job}), Timeout: time.Minute}
	if _, err := b.open(ctx, t, nil).Install(ctx, request); !errors.Is(err, enough) || b.has("first") {
		t.Errorf("Install() = %v, manifest sent: %v, want the interrupt and nothing sent", err, b.has("first"))
	}
	b.Refuse(nil)
	if got := b.state(t); got != "helm release house is now at revision 1 in state failed" {
		t.Errorf("State() = %s, want the failure recorded", got)
	}
}

// What cannot be taken back is said beside why the run failed, and what is still there is named: the next thing
// that its user looks for.
func TestTakingBackFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Refuse(refusing(http.MethodDelete, "/configmaps/second", 403, "Forbidden", "second is not to be deleted"))
	_, err := b.install(t, map[string]string{"b.yaml": second, "d.yaml": stuck}, atomic)
	var taken *helm.TakenBackError
	if !errors.As(err, &taken) || taken.Undo == nil || !errors.Is(err, cluster.ErrNotReady) {
		t.Fatalf("Install(atomic) = %v, want why it failed, and that taking back did too", err)
	}
	for _, says := range []string{"not ready: Deployment pg/stuck", "taking it back failed as well", "second is not to be deleted"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("Install(atomic) = %v, want %q in it", err, says)
		}
	}
	changes := b.last.Changes()
	if !slices.Equal(changes.Made, []string{"ConfigMap pg/second"}) || !slices.Equal(changes.Gone, []string{"Deployment pg/stuck"}) || changes.None() {
		t.Errorf("Changes() = %+v, want second made and stuck gone", changes)
	}
	// What cannot be looked at is neither there nor gone.
	b.Refuse(refusing(http.MethodGet, "/configmaps/second", 500, "InternalError", "etcd is down"))
	changes = b.last.Changes()
	if changes.Err == nil || !strings.Contains(changes.Err.Error(), "looking for ConfigMap pg/second") || len(changes.Made) > 0 || slices.Contains(changes.Gone, "ConfigMap pg/second") {
		t.Errorf("Changes() = %+v, want that second could not be looked at", changes)
	}
}

// An upgrade that the API server stops half way is rolled back: what it changed is as it was, what it made is
// gone.
func TestUpgradeRefusedHalfWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first})
	b.Refuse(refusing(http.MethodPost, "/deployments", 403, "Forbidden", "no deployments here"))
	changed := strings.Replace(first, "of: chart", "of: upgrade", 1)
	_, err := b.install(t, map[string]string{"a.yaml": changed, "b.yaml": second, "d.yaml": stuck}, atomic)
	var taken *helm.TakenBackError
	if !errors.As(err, &taken) || taken.Undo != nil || !errors.Is(err, cluster.ErrDenied) {
		t.Fatalf("Install(atomic) = %v, want ErrDenied, and it taken back", err)
	}
	of, _, _ := unstructured.NestedString(b.Get("configmaps", "pg", "first").Object, "data", "of")
	if of != "chart" || b.has("second") {
		t.Errorf("Install(atomic) left first of %q, second %v, want it as before", of, b.has("second"))
	}
	if changes := b.last.Changes(); !slices.Equal(changes.Stayed, []string{"ConfigMap pg/first"}) || !slices.Equal(changes.Gone, []string{"ConfigMap pg/second"}) {
		t.Errorf("Changes() = %+v, want first stayed and second gone", changes)
	}
	b.Refuse(nil)
	if got := b.state(t); got != "helm release house is now at revision 3 in state deployed" {
		t.Errorf("State() = %s, want revision 3, deployed", got)
	}
}

// Without atomic what was sent stays, and the revision says that it failed; the next run goes on from there.
func TestUpgradeRefusedIsGoneOnWith(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first})
	b.Refuse(refusing(http.MethodPost, "/configmaps", 500, "InternalError", "etcd is down"))
	if _, err := b.install(t, map[string]string{"a.yaml": first, "b.yaml": second}); err == nil || !strings.Contains(err.Error(), "etcd is down") {
		t.Fatalf("Install() = %v, want why", err)
	}
	b.Refuse(nil)
	if got := b.state(t); got != "helm release house is now at revision 2 in state failed; revision 1 was the last that worked" {
		t.Errorf("State() = %s", got)
	}
	if revision := b.mustInstall(t, map[string]string{"a.yaml": first, "b.yaml": second}); revision.Number != 3 || !b.has("second") {
		t.Errorf("Install() again = revision %d, second %v, want 3 and there", revision.Number, b.has("second"))
	}
}

// A run that was killed leaves a revision pending: nobody goes over it, and nothing is written.
func TestPendingRevisionIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/secrets/sh.helm.release") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "killed"} // its end is never recorded
		}
		return nil
	})
	request := helm.Request{Name: "house", Chart: pack(t, map[string]string{"a.yaml": first}), Timeout: time.Second}
	_, _ = b.open(ctx, t, nil).Install(ctx, request)
	b.Refuse(nil)
	b.Writes()
	_, err := b.install(t, map[string]string{"a.yaml": first, "b.yaml": second}, atomic)
	var busy *helm.BusyError
	if !errors.As(err, &busy) || busy.Revision.Number != 1 || busy.Record() != "sh.helm.release.v1.house.v1" || len(b.Writes()) > 0 || b.has("second") {
		t.Errorf("Install() over a pending revision = %v, want which is under way, and nothing written", err)
	}
	if b.Get("secrets", "pg", busy.Record()) == nil {
		t.Errorf("the record %s that the error names is not there", busy.Record())
	}
}

// What somebody edited by hand is put back by an upgrade, in custom resources too, and what others added stays.
func TestUpgradePutsBackEdits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Put(t, crd)
	own := "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: own}\nspec: {size: 1}\n"
	b.mustInstall(t, map[string]string{"a.yaml": first, "d.yaml": own})
	edit := func(resource, name string, change func(map[string]any)) {
		object := b.Get(resource, "pg", name)
		change(object.Object)
		text, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		b.Put(t, string(text))
	}
	edit("configmaps", "first", func(o map[string]any) { o["data"] = map[string]any{"of": "hand", "more": "mine"} })
	edit("dbs.lab.example.com", "own", func(o map[string]any) { o["spec"] = map[string]any{"size": int64(3), "more": "mine"} })
	b.mustInstall(t, map[string]string{"a.yaml": first, "d.yaml": own})
	data := b.Get("configmaps", "pg", "first").Object["data"].(map[string]any)
	spec := b.Get("dbs.lab.example.com", "pg", "own").Object["spec"].(map[string]any)
	if data["of"] != "chart" || spec["size"] != int64(1) && spec["size"] != float64(1) {
		t.Errorf("Install() left %v and %v, want the chart's values", data, spec)
	}
	if data["more"] != "mine" || spec["more"] != "mine" {
		t.Errorf("Install() left %v and %v, want what others added kept", data, spec)
	}
}

// An uninstall that the API server stops half way keeps its record, says why, and is carried on by the next.
func TestUninstallCarriesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first, "b.yaml": second})
	b.Refuse(refusing(http.MethodDelete, "/configmaps/first", 403, "Forbidden", "first is not to be deleted"))
	_, err := b.open(t.Context(), t, nil).Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: time.Second})
	if !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "first is not to be deleted") || !b.has("first") || b.has("second") {
		t.Errorf("Uninstall() = %v, first %v, second %v, want why, and the other gone", err, b.has("first"), b.has("second"))
	}
	b.Refuse(nil)
	releases := b.open(t.Context(), t, nil)
	if last, err := releases.Last("house"); err != nil || last == nil || last.Gone() {
		t.Fatalf("Last() = %+v, %v, want the release still recorded", last, err)
	}
	if _, err := releases.Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: 5 * time.Second}); err != nil || b.has("first") {
		t.Errorf("Uninstall() again = %v, first %v, want it gone", err, b.has("first"))
	}
	if _, err := releases.Uninstall(t.Context(), helm.Removal{Name: "nothing", Timeout: time.Second}); err != nil {
		t.Errorf("Uninstall(nothing) = %v, want nothing to do", err)
	}
}

// What somebody removed already is no failure of an uninstall.
func TestUninstallOfWhatIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first, "b.yaml": second})
	b.Remove("configmaps", "pg", "first")
	if _, err := b.open(t.Context(), t, nil).Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: 5 * time.Second}); err != nil || b.has("second") {
		t.Errorf("Uninstall() = %v, second %v, want it gone", err, b.has("second"))
	}
}
