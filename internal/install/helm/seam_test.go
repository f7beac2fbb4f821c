package helm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// These tests speak of releases and of a cluster, and of no type of helm's: whichever version of
// it does the work, this is what has to come of it.

const (
	crd    = clustertest.Definition
	db     = clustertest.Database
	first  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\ndata: {of: chart}\n"
	second = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: second}\ndata: {of: chart}\n"
	// stuck never becomes ready, for nothing here runs it.
	stuck = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}]}}}\n"
)

var (
	dbKind = schema.GroupKind{Group: "lab.example.com", Kind: "Db"}
	owner  = cluster.Owner{Namespace: "pg", Release: "house"}
)

// bench is a cluster with the namespace of the release house.
type bench struct {
	*clustertest.Server
	cluster *cluster.Cluster
	last    *helm.Releases
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Server: clustertest.New(t)}
	b.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: pg}\n")
	b.cluster = b.Connect(t)
	return b
}

// open opens the releases anew, as each run does.
func (b *bench) open(ctx context.Context, t *testing.T, waiting func([]readiness.Pending)) *helm.Releases {
	t.Helper()
	b.cluster.Refresh()
	releases, err := helm.Open(ctx, b.cluster, "pg", waiting)
	if err != nil {
		t.Fatal(err)
	}
	b.last = releases
	return releases
}

// install installs a chart of these templates, NAME to text.
func (b *bench) install(t *testing.T, templates map[string]string, change ...func(*helm.Request)) (*helm.Revision, error) {
	t.Helper()
	request := helm.Request{Name: "house", Chart: pack(t, templates), Timeout: 2 * time.Second}
	for _, each := range change {
		each(&request)
	}
	return b.open(t.Context(), t, nil).Install(t.Context(), request)
}

func (b *bench) mustInstall(t *testing.T, templates map[string]string, change ...func(*helm.Request)) *helm.Revision {
	t.Helper()
	revision, err := b.install(t, templates, change...)
	if err != nil {
		t.Fatalf("Install() = %v", err)
	}
	return revision
}

func atomic(request *helm.Request) { request.Atomic = true }

func wait(request *helm.Request) { request.Wait = true }

// has tells whether there is a config map.
func (b *bench) has(name string) bool { return b.Get("configmaps", "pg", name) != nil }

func (b *bench) definition() string { return "customresourcedefinitions.apiextensions.k8s.io" }

// wantDatabase wants the CRD and the database.
func (b *bench) wantDatabase(t *testing.T, after string) {
	t.Helper()
	if b.Get(b.definition(), "", "dbs.lab.example.com") == nil || b.Get("dbs.lab.example.com", "demo", "precious") == nil {
		t.Errorf("%s lost the database", after)
	}
}

// state is the newest revision's number and state.
func (b *bench) state(t *testing.T) string {
	t.Helper()
	return b.open(t.Context(), t, nil).State("house").String()
}

func TestInstallAndUpgrade(t *testing.T) {
	b := newBench(t)
	revision := b.mustInstall(t, map[string]string{"a.yaml": first, "c.yaml": crd}, wait)
	if revision.Number != 1 || revision.Status != helm.Deployed || revision.Chart != "house 1.0.0" || revision.Namespace != "pg" || revision.Gone() {
		t.Errorf("Install() = %+v, want revision 1, deployed", revision)
	}
	live := b.Get("configmaps", "pg", "first")
	if live == nil || cluster.OwnerOf(live) != owner {
		t.Errorf("Install() made %v, want it to be the release's", live)
	}
	if !cluster.Kept(b.Get(b.definition(), "", "dbs.lab.example.com")) {
		t.Error("Install() did not mark the CRD to be let be")
	}
	revision = b.mustInstall(t, map[string]string{"b.yaml": second, "c.yaml": crd})
	if revision.Number != 2 || b.has("first") || !b.has("second") {
		t.Errorf("Install() again = revision %d, first %v, second %v, want 2, gone and there", revision.Number, b.has("first"), b.has("second"))
	}
	history, err := b.last.History("house")
	if err != nil || len(history) != 2 {
		t.Errorf("History() = %d revisions, %v, want 2", len(history), err)
	}
	if none, err := b.last.Last("nothing"); none != nil || err != nil || !none.Gone() {
		t.Errorf("Last(nothing) = %v, %v, want none", none, err)
	}
	rendering, err := revision.Rendering()
	if err != nil || len(rendering.Objects) != 2 {
		t.Errorf("Rendering() = %d objects, %v, want 2", len(rendering.Objects), err)
	}
}

// An upgrade whose manifest has lost what lasts keeps it, and says so.
func TestUpgradeKeepsWhatLasts(t *testing.T) {
	volume := "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n"
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first, "c.yaml": crd, "v.yaml": volume, "n.yaml": namespace})
	b.Put(t, db)
	b.mustInstall(t, map[string]string{"b.yaml": second})
	b.wantDatabase(t, "the upgrade")
	if b.Get("persistentvolumeclaims", "pg", "data") == nil || b.Get("namespaces", "", "demo") == nil || b.has("first") {
		t.Error("the upgrade did not keep the volume and the namespace alone")
	}
	kept := b.last.Changes().Kept
	slices.Sort(kept)
	if want := []string{"CustomResourceDefinition dbs.lab.example.com", "Namespace demo", "PersistentVolumeClaim pg/data"}; !slices.Equal(kept, want) {
		t.Errorf("Changes().Kept = %q, want %q", kept, want)
	}
}

// A database that a chart renders itself is one, too.
func TestUpgradeKeepsDatabasesOfTheChart(t *testing.T) {
	ofChart := strings.Replace(db, ", namespace: demo", "", 1)
	for _, known := range []bool{true, false} {
		b := newBench(t)
		b.Put(t, crd)
		databases := func(request *helm.Request) {
			if known {
				request.Databases = []schema.GroupKind{dbKind}
			}
		}
		b.mustInstall(t, map[string]string{"d.yaml": ofChart}, databases)
		b.mustInstall(t, map[string]string{"a.yaml": first}, databases)
		if there := b.Get("dbs.lab.example.com", "pg", "precious") != nil; there != known {
			t.Errorf("after the upgrade the chart's own %v is there: %v, want %v", dbKind, there, known)
		}
	}
}

// Records that helm wrote without us are marked, whatever revision they are of, and so is what
// is in the cluster.
func TestProtectsOldRecords(t *testing.T) {
	b := newBench(t)
	b.mustInstall(t, map[string]string{"c.yaml": crd})
	b.mustInstall(t, map[string]string{"c.yaml": crd, "a.yaml": first})
	b.Unannotate(b.definition(), "", "dbs.lab.example.com", "helm.sh/resource-policy")
	b.mustInstall(t, map[string]string{"a.yaml": first})
	if !cluster.Kept(b.Get(b.definition(), "", "dbs.lab.example.com")) {
		t.Error("the upgrade did not mark the CRD in the cluster")
	}
	if marked := b.last.Marked(); !slices.Contains(marked, "CustomResourceDefinition dbs.lab.example.com") {
		t.Errorf("Marked() = %q, want the CRD among them", marked)
	}
	history, err := b.last.History("house")
	if err != nil {
		t.Fatal(err)
	}
	for _, revision := range history {
		rendering, err := revision.Rendering()
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range rendering.Objects {
			if object.IsCRD() && !cluster.Kept(&object.Unstructured) {
				t.Errorf("the record of revision %d does not keep the CRD", revision.Number)
			}
		}
	}
}

// A failing install is taken back, but for what was there before it.
func TestAtomicInstall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	marked := func(manifest string) string {
		rendering, err := chart.ParseManifest(manifest)
		if err != nil {
			t.Fatal(err)
		}
		object := rendering.Objects[0]
		owner.Mark(&object.Unstructured)
		if err := object.SetText(); err != nil {
			t.Fatal(err)
		}
		return object.Text
	}
	b.Put(t, marked(crd)+"---\n"+marked(strings.Replace(first, "{name: first}", "{name: first, namespace: pg}", 1))+"---\n"+db)
	_, err := b.install(t, map[string]string{"c.yaml": crd, "a.yaml": first, "b.yaml": second, "d.yaml": stuck}, atomic)
	var taken *helm.TakenBackError
	if !errors.As(err, &taken) || taken.Undo != nil || !errors.Is(err, cluster.ErrNotReady) {
		t.Fatalf("Install(atomic) = %v, want that it was not ready, and taken back", err)
	}
	b.wantDatabase(t, "the failing install")
	if !b.has("first") || b.has("second") || b.Get("deployments.apps", "pg", "stuck") != nil {
		t.Error("Install(atomic) did not take back its own, and its own alone")
	}
	changes := b.last.Changes()
	slices.Sort(changes.Gone)
	slices.Sort(changes.Stayed)
	if want := []string{"ConfigMap pg/second", "Deployment pg/stuck"}; !slices.Equal(changes.Gone, want) || len(changes.Made) > 0 || changes.None() {
		t.Errorf("Changes() = %+v, want %q gone and nothing made", changes, want)
	}
	if want := []string{"ConfigMap pg/first", "CustomResourceDefinition dbs.lab.example.com"}; !slices.Equal(changes.Stayed, want) {
		t.Errorf("Changes().Stayed = %q, want %q", changes.Stayed, want)
	}
	if got := b.state(t); got != "there is no helm release house now" {
		t.Errorf("State() = %s, want that there is none", got)
	}
}

// A failing upgrade goes back to the revision before.
func TestAtomicUpgrade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first, "c.yaml": crd})
	b.Put(t, db)
	_, err := b.install(t, map[string]string{"b.yaml": second, "d.yaml": stuck}, atomic)
	var taken *helm.TakenBackError
	if !errors.As(err, &taken) || taken.Undo != nil {
		t.Fatalf("Install(atomic) = %v, want it taken back", err)
	}
	b.wantDatabase(t, "the failing upgrade")
	if !b.has("first") || b.has("second") || b.Get("deployments.apps", "pg", "stuck") != nil {
		t.Error("Install(atomic) did not go back to what was there")
	}
	if got := b.state(t); got != "helm release house is now at revision 3 in state deployed" {
		t.Errorf("State() = %s, want revision 3, deployed", got)
	}
}

// Where no revision has worked there is none to go back to, and that is said.
func TestAtomicWithoutAnEarlierSuccess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.install(t, map[string]string{"d.yaml": stuck}, wait); !errors.Is(err, cluster.ErrNotReady) {
		t.Fatalf("Install() = %v, want that it was not ready", err)
	}
	_, err := b.install(t, map[string]string{"d.yaml": stuck}, atomic)
	var taken *helm.TakenBackError
	if !errors.As(err, &taken) || taken.Undo == nil || !strings.Contains(err.Error(), "no earlier revision has worked") {
		t.Errorf("Install(atomic) = %v, want that it could not be taken back", err)
	}
}

// What is refused is refused before anything is sent, in the manifest as in a hook.
func TestCheck(t *testing.T) {
	refusal := errors.New("not this one")
	hook := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: post-install}}\n"
	for _, name := range []string{"first", "hook"} {
		b := newBench(t)
		_, err := b.install(t, map[string]string{"a.yaml": first, "h.yaml": hook}, func(request *helm.Request) {
			request.Check = func(rendering *chart.Rendering) error {
				for _, object := range rendering.Objects {
					if object.GetName() == name {
						return refusal
					}
				}
				return nil
			}
		})
		if !errors.Is(err, refusal) || len(b.Writes()) > 0 || !b.last.Changes().None() {
			t.Errorf("Install() refused for %s = %v, writes %v, want nothing written", name, err, b.Writes())
		}
		if got := b.state(t); !strings.Contains(got, "no helm release") {
			t.Errorf("State() = %s, want none", got)
		}
	}
}

// Objects that are left out are left out of the hooks as well, and hooks carry the marks.
func TestLeaveOutAndHooks(t *testing.T) {
	b := newBench(t)
	hook := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", annotations: {helm.sh/hook: post-install}}\n"
	}
	revision := b.mustInstall(t, map[string]string{"a.yaml": first, "b.yaml": second, "h.yaml": hook("h"), "g.yaml": hook("g")}, func(request *helm.Request) {
		request.Edit = func(object chart.Object) (chart.Object, bool) {
			return object, object.GetName() != "second" && object.GetName() != "g"
		}
	})
	if b.has("second") || b.has("g") || !b.has("first") || !b.has("h") {
		t.Error("Install() did not leave out what was to be left out")
	}
	if got := cluster.OwnerOf(b.Get("configmaps", "pg", "h")); got != owner {
		t.Errorf("the hook belongs to %v, want %v", got, owner)
	}
	rendering, err := revision.Rendering()
	if err != nil || len(rendering.Objects) != 2 || !rendering.Objects[1].Hook {
		t.Errorf("Rendering() = %d objects, %v, want the config map and one hook", len(rendering.Objects), err)
	}
}

// A CRD that a hook brings may be there already.
func TestHookWithADefinition(t *testing.T) {
	b := newBench(t)
	b.Put(t, crd+"---\n"+db)
	hook := strings.Replace(crd, "metadata: {", "metadata: {annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}, ", 1)
	for range 2 {
		b.mustInstall(t, map[string]string{"a.yaml": first, "h.yaml": hook})
		b.wantDatabase(t, "a hook")
	}
}

func TestUninstall(t *testing.T) {
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first, "c.yaml": crd})
	b.Put(t, db)
	releases := b.open(t.Context(), t, nil)
	if _, err := releases.Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	b.wantDatabase(t, "the uninstall")
	if last, err := releases.Last("house"); b.has("first") || err != nil || last.Status != helm.Uninstalled || !last.Gone() {
		t.Errorf("Uninstall() left first: %v, record %+v, %v, want the record alone", b.has("first"), last, err)
	}
	// Again has nothing to do, and does not mind.
	if _, err := releases.Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: 5 * time.Second}); err != nil {
		t.Errorf("Uninstall() again = %v", err)
	}
	if err := releases.Forget(t.Context(), "house"); err != nil {
		t.Fatal(err)
	}
	if last, err := releases.Last("house"); last != nil || err != nil {
		t.Errorf("Forget() left %+v, %v", last, err)
	}
	// And back, with the CRD as it is.
	b.mustInstall(t, map[string]string{"a.yaml": first, "c.yaml": crd})
	b.wantDatabase(t, "installing again")
}

// A record that was kept is installed over, and its number goes on.
func TestInstallAfterKeptRecord(t *testing.T) {
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first})
	if _, err := b.open(t.Context(), t, nil).Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if revision := b.mustInstall(t, map[string]string{"a.yaml": first}); revision.Number != 2 || !b.has("first") {
		t.Errorf("Install() over a kept record = revision %d, want 2", revision.Number)
	}
}

// While something is not ready it is said what, and the end of the run ends helm.
func TestInterrupted(t *testing.T) {
	b := newBench(t)
	interrupt := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var pending []readiness.Pending
	releases := b.open(ctx, t, func(p []readiness.Pending) {
		pending = p
		cancel(interrupt)
	})
	_, err := releases.Install(ctx, helm.Request{Name: "house", Chart: pack(t, map[string]string{"d.yaml": stuck}), Wait: true, Timeout: time.Minute})
	if !errors.Is(err, interrupt) || len(pending) != 1 || pending[0].Object != "Deployment pg/stuck" {
		t.Errorf("Install() = %v, waited for %v, want the interrupt and the deployment", err, pending)
	}
	if got := b.state(t); got != "helm release house is now at revision 1 in state failed" {
		t.Errorf("State() = %s, want revision 1, failed", got)
	}
}

// The same with Atomic: what was begun is taken back though the run has ended.
func TestInterruptedAtomic(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	releases := b.open(ctx, t, func([]readiness.Pending) { cancel(errors.New("interrupted")) })
	_, err := releases.Install(ctx, helm.Request{Name: "house", Chart: pack(t, map[string]string{"a.yaml": first, "d.yaml": stuck}), Atomic: true, Timeout: 20 * time.Second})
	var taken *helm.TakenBackError
	if !errors.As(err, &taken) || taken.Undo != nil || b.has("first") {
		t.Errorf("Install() = %v, first is there: %v, want it taken back", err, b.has("first"))
	}
}

func TestBusyRelease(t *testing.T) {
	b := newBench(t)
	b.mustInstall(t, map[string]string{"a.yaml": first})
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/secrets") {
			return &clustertest.Refusal{Code: http.StatusConflict, Reason: "AlreadyExists", Message: "already exists"}
		}
		return nil
	})
	if _, err := b.install(t, map[string]string{"a.yaml": first}); !errors.Is(err, helm.ErrBusy) || !errors.Is(err, helm.ErrOvertaken) {
		t.Errorf("Install() overtaken = %v, want ErrBusy", err)
	}
}

func TestNotAllowed(t *testing.T) {
	b := newBench(t)
	b.Deny("list secrets")
	releases := b.open(t.Context(), t, nil)
	if _, err := releases.Last("house"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Last() = %v, want ErrDenied", err)
	}
	if _, err := releases.History("house"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("History() = %v, want ErrDenied", err)
	}
	if got := releases.State("house").String(); !strings.Contains(got, "is not known") {
		t.Errorf("State() = %s, want that it is not known", got)
	}
}

// Somebody else's object that came to be after it was looked for stops the install.
func TestOwnedByOthers(t *testing.T) {
	b := newBench(t)
	b.Put(t, strings.Replace(first, "{name: first}", "{name: first, namespace: pg}", 1))
	if _, err := b.install(t, map[string]string{"a.yaml": first}); !errors.Is(err, helm.ErrOwned) {
		t.Errorf("Install() = %v, want ErrOwned", err)
	}
}

func TestRecordSize(t *testing.T) {
	noise := make([]byte, 900_000)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	large := pack(t, map[string]string{"a.yaml": first, "../files/noise": string(noise)})
	var size *helm.SizeError
	if err := helm.CheckSize(large, nil, &chart.Rendering{}); !errors.As(err, &size) || size.Size < 1<<20 {
		t.Errorf("CheckSize(large) = %v, want that it cannot be recorded", err)
	}
	if err := helm.CheckSize(pack(t, map[string]string{"a.yaml": first}), nil, &chart.Rendering{}); err != nil {
		t.Errorf("CheckSize(small) = %v", err)
	}
	b := newBench(t)
	_, err := b.open(t.Context(), t, nil).Install(t.Context(), helm.Request{Name: "house", Chart: large})
	if !errors.As(err, &size) || len(b.Writes()) > 0 {
		t.Errorf("Install(large) = %v, want it refused before anything is written", err)
	}
}

// pack makes a chart of templates; "../NAME" is a file beside them.
func pack(t *testing.T, templates map[string]string) *chart.Chart {
	t.Helper()
	files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.0\n"}
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		if below, beside := strings.CutPrefix(name, "../"); beside {
			files[below] = templates[name]
		} else {
			files["templates/"+name] = templates[name]
		}
	}
	packed, err := chart.Parse(charttest.Pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(packed.Archive(), []byte{0x1f, 0x8b}) {
		t.Fatal("the chart is not packed")
	}
	return packed
}
