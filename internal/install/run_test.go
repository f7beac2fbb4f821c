package install_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const (
	config = charttest.Template
	crd    = clustertest.Definition
	db     = clustertest.Database
)

var login = pullsecret.Credentials{Username: "robot", Password: "s3cret"}

// private is a registry that has every image but those missing.
type private struct {
	verify.Puller
	missing []string
	push    bool
	refuses error
}

func (p *private) Resolve(_ context.Context, repository, _ string) (v1.Descriptor, error) {
	switch {
	case p.refuses != nil:
		return v1.Descriptor{}, p.refuses
	case slices.Contains(p.missing, repository):
		return v1.Descriptor{}, registry.ErrNotFound
	}
	return v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}}, nil
}

func (p *private) MayPush(context.Context, string) (bool, error) { return p.push, nil }

// bench is a cluster, a registry, and a product that nothing is known of.
type bench struct {
	*clustertest.Server
	private *private
	options install.Options
	phases  []string
	warned  []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Server: clustertest.New(t), private: &private{}}
	all, err := catalogue.Merge(catalogue.Builtin(), "house.yaml", []byte(charttest.Catalogue))
	if err != nil {
		t.Fatal(err)
	}
	subject := preparation.Subject{
		Target: ref.Folder{Host: "r.example.com", Path: "house"}, PullSecret: "regsecret", HelmRelease: "house", Namespace: "pg",
		Prerequisites: traits.Prerequisites(all),
	}
	if subject.Product, err = all.Product("house"); err != nil {
		t.Fatal(err)
	}
	if subject.Release, err = subject.Product.Release("1.0.0"); err != nil {
		t.Fatal(err)
	}
	if subject.Artifacts, err = versions.Select(all, versions.Selection{Product: "house", Target: subject.Target}); err != nil {
		t.Fatal(err)
	}
	b.options = install.Options{
		Subject: subject, Cluster: b.Connect(t), Registry: b.private, Credentials: login, Timeout: 2 * time.Second,
		Dial: func(string, pullsecret.Credentials) (verify.Puller, error) { return b.private, nil },
		Hooks: install.Hooks{
			Step: func(e install.StepEvent) { b.phases = append(b.phases, e.Name+" "+string(e.Phase)) },
			Warn: func(w install.Warning) { b.warned = append(b.warned, w.Text) },
		},
	}
	return b
}

// run installs a chart of these files.
func (b *bench) run(t *testing.T, files map[string]string, change ...func(*install.Options)) (*install.Outcome, error) {
	t.Helper()
	all := map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.0\n", "values.yaml": "image: vendor.example.com/x/op:1.2.3\n", "templates/c.yaml": config}
	maps.Copy(all, files)
	packed, err := chart.Parse(charttest.Pack(t, all))
	if err != nil {
		t.Fatal(err)
	}
	b.phases, b.warned = nil, nil
	opts := b.options
	opts.Subject.Chart = packed
	for _, each := range change {
		each(&opts)
	}
	b.Writes()
	return install.Run(t.Context(), opts)
}

// refused wants an error before anything was written, which says so.
func (b *bench) refused(t *testing.T, err error, step string) {
	t.Helper()
	var failure *install.Failure
	if !errors.As(err, &failure) || failure.Step != step || !failure.Unchanged || !strings.Contains(err.Error(), "nothing in the cluster was changed") {
		t.Errorf("Run() = %v, want %s to fail and nothing changed", err, step)
	}
	if writes := b.Writes(); len(writes) > 0 {
		t.Errorf("Run() refused, and wrote %q", writes)
	}
}

func TestRun(t *testing.T) {
	b := newBench(t)
	outcome, err := b.run(t, map[string]string{"crds/crd.yaml": crd}, func(o *install.Options) { o.InstanceNamespaces = []string{"demo", "pg"} })
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, phase := range b.phases {
		if name, ok := strings.CutSuffix(phase, " done"); ok {
			steps = append(steps, name)
		}
	}
	want := "chart permissions images prerequisites namespaces pull secrets definitions operator verification"
	if got := strings.Join(steps, " "); got != want {
		t.Errorf("Run() did %q, want %q", got, want)
	}
	if strings.Join(outcome.Created, " ") != "pg demo" || len(outcome.Secrets) != 2 || outcome.Definitions != 1 || outcome.Revision != 1 || !outcome.Check.OK() {
		t.Errorf("Run() = %+v, want two namespaces, two secrets, a CRD and revision 1", outcome)
	}
	image, _ := b.Get("configmaps", "pg", "c").Object["data"].(map[string]any)["image"].(string)
	if image != "r.example.com/house/op:1.2.3" {
		t.Errorf("Run() installed %q, want the private registry's image", image)
	}
	// Again: nothing but another revision.
	outcome, err = b.run(t, map[string]string{"crds/crd.yaml": crd})
	if err != nil || outcome.Revision != 2 || len(outcome.Created) > 0 || outcome.Secrets[0].Change != pullsecret.Unchanged {
		t.Errorf("Run() again = %+v, %v, want revision 2 and nothing else", outcome, err)
	}
}

func TestDryRun(t *testing.T) {
	b := newBench(t)
	b.Deny("create namespaces", "create configmaps")
	outcome, err := b.run(t, map[string]string{"crds/crd.yaml": crd}, func(o *install.Options) { o.DryRun = true })
	if err != nil || len(b.Writes()) > 0 {
		t.Fatalf("Run(dry) = %v, want nothing written", err)
	}
	want := []string{
		"create namespace pg", "apply secret regsecret in namespace pg", "apply CRD dbs.lab.example.com",
		"helm upgrade --install house in namespace pg with chart house 1.0.0",
	}
	if !slices.Equal(outcome.Actions, want) {
		t.Errorf("Run(dry) = actions %q, want %q", outcome.Actions, want)
	}
	if got := strings.Join(b.warned, "\n"); !strings.Contains(got, "would need: create configmaps in namespace pg") {
		t.Errorf("Run(dry) warned %q, want what the install itself needs", got)
	}
}

// Each reason to refuse comes before anything is written.
func TestRefusals(t *testing.T) {
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: op}\nspec: {template: {spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		with  func(b *bench, o *install.Options)
		step  string
		is    func(error) bool
	}{
		{"the vendor's registry is left", map[string]string{"templates/c.yaml": strings.Replace(config, "{{ .Values.image }}", "vendor.example.com/x/other:1", 1)}, nil,
			"chart", as[*preparation.ProofError]},
		{"a chart of another release", map[string]string{"values.yaml": "other: 1\n", "templates/c.yaml": strings.Replace(config, ".Values.image", ".Values.other", 1)}, nil,
			"chart", as[*preparation.OtherReleaseError]},
		{"another Kubernetes", map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.0\nkubeVersion: <1.20.0\n"}, nil, "chart", as[*chart.KubeVersionError]},
		{"no permission", nil, func(b *bench, _ *install.Options) { b.Deny("*") }, "permissions", as[*cluster.DeniedError]},
		{"records that may not be read", nil, func(b *bench, _ *install.Options) { b.Deny("list secrets") }, "permissions", as[*cluster.DeniedError]},
		{"refused credentials", nil, func(b *bench, _ *install.Options) { b.private.refuses = registry.ErrUnauthorized }, "images", func(err error) bool { return errors.Is(err, registry.ErrUnauthorized) }},
		{"an image that is not there", map[string]string{"templates/d.yaml": deployment}, func(b *bench, _ *install.Options) { b.private.missing = []string{"house/op"} }, "images", as[*preparation.AbsentError]},
		{"a kind that nobody defines", map[string]string{"templates/d.yaml": strings.Replace(db, ", namespace: demo", "", 1)}, nil, "prerequisites", as[*cluster.UnknownKindsError]},
		{"cert-manager is wanted", map[string]string{"templates/i.yaml": "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: i}\n"}, nil, "prerequisites", func(err error) bool { return errors.Is(err, cluster.ErrNoPrerequisite) }},
		{"what is somebody else's", nil, func(b *bench, _ *install.Options) {
			b.Put(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg}\n")
		}, "prerequisites", as[*install.ForeignError]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			_, err := b.run(t, tt.files, func(o *install.Options) {
				if tt.with != nil {
					tt.with(b, o)
				}
			})
			if !tt.is(err) {
				t.Errorf("Run() = %v, want its cause", err)
			}
			b.refused(t, err, tt.step)
		})
	}
}

func as[E error](err error) bool {
	var found E
	return errors.As(err, &found)
}

// A failure says what was done before it, and never that nothing was.
func TestFailureSaysWhatIsLeft(t *testing.T) {
	b := newBench(t)
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "customresourcedefinitions") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "no"}
		}
		return nil
	})
	_, err := b.run(t, map[string]string{"crds/crd.yaml": crd})
	want := "definitions: applying CRD dbs.lab.example.com: no\n  done before: namespace pg created, secret regsecret in namespace pg created"
	if err == nil || err.Error() != want {
		t.Errorf("Run() = %v\nwant %s", err, want)
	}
}

// Where the API server has not answered nobody knows whether it did what it was asked.
func TestUnansweredWrite(t *testing.T) {
	b := newBench(t)
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/namespaces") {
			panic(http.ErrAbortHandler)
		}
		return nil
	})
	_, err := b.run(t, nil)
	var failure *install.Failure
	if !errors.As(err, &failure) || failure.Step != "namespaces" || failure.Unchanged || strings.Contains(err.Error(), "nothing in the cluster was changed") {
		t.Errorf("Run() = %v, want no word on whether anything was changed", err)
	}
}

// What was taken back is said by what is there, and what was there before stays.
func TestAtomicFailure(t *testing.T) {
	b := newBench(t)
	b.Put(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg}\ndata: {precious: \"yes\"}\n")
	stuck := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	_, err := b.run(t, map[string]string{"templates/d.yaml": stuck}, func(o *install.Options) { o.Atomic, o.Adopt = true, true })
	for _, want := range []string{
		"operator: not ready: Deployment pg/stuck", "ConfigMap pg/c taken over", "taken back: 1 object that this run had made",
		"there before this run, and still there: ConfigMap pg/c", "there is no helm release house now",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run(atomic) = %v, want it to say %q", err, want)
		}
	}
	if b.Get("configmaps", "pg", "c") == nil || b.Get("deployments.apps", "pg", "stuck") != nil {
		t.Error("Run(atomic) did not take back its own, and its own alone")
	}
}

// A secret that is somebody else's is left alone, and credentials that may push are warned of.
func TestWarnings(t *testing.T) {
	b := newBench(t)
	b.private.push = true
	b.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: pg}\n")
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: op}\nspec: {template: {spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	if _, err := b.run(t, map[string]string{"templates/d.yaml": deployment}, func(o *install.Options) { o.NoWait = true }); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(b.warned, "\n")
	for _, want := range []string{"allowed to push", "secret regsecret in namespace pg is not made by pgrelocate; it was left alone"} {
		if !strings.Contains(got, want) {
			t.Errorf("Run() warned %q, want %q", got, want)
		}
	}
}

func (b *bench) uninstall(t *testing.T, change ...func(*install.UninstallOptions)) (*install.Removal, error) {
	t.Helper()
	opts := install.UninstallOptions{Cluster: b.options.Cluster, Product: b.options.Subject.Product, HelmRelease: "house", Namespace: "pg", Timeout: 5 * time.Second}
	for _, each := range change {
		each(&opts)
	}
	b.Writes()
	opts.Cluster.Refresh()
	return install.Uninstall(t.Context(), opts)
}

// Databases block, whatever product they are of; forced, they and their secrets stay.
func TestUninstall(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, map[string]string{"templates/crd.yaml": crd}, func(o *install.Options) { o.InstanceNamespaces = []string{"demo", "other"} }); err != nil {
		t.Fatal(err)
	}
	b.Put(t, db)
	b.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: elsewhere}\n")
	for name, owner := range map[string]cluster.Owner{"theirs": {Namespace: "elsewhere", Release: "house"}, "nobodys": {}} {
		secret := pullsecret.Secret{Namespace: "elsewhere", Name: name, Host: "r.example.com", Credentials: login, Owner: owner}
		if _, err := pullsecret.Apply(t.Context(), b.options.Cluster, secret); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.uninstall(t)
	var inUse *install.InUseError
	if !errors.As(err, &inUse) || err.Error() != "1 database exists; nothing was removed\n  Db demo/precious" || len(b.Writes()) > 0 {
		t.Errorf("Uninstall() = %v, want the database in the way and nothing written", err)
	}
	removal, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Force = true })
	if err != nil || !removal.Removed || strings.Join(removal.KeptSecrets, " ") != "demo/regsecret" || strings.Join(removal.Secrets, " ") != "other/regsecret pg/regsecret" {
		t.Errorf("Uninstall(force) = %+v, %v, want demo's secret kept and the others removed", removal, err)
	}
	if b.Get("dbs.lab.example.com", "demo", "precious") == nil || b.Get("configmaps", "pg", "c") != nil || b.Get("secrets", "demo", "regsecret") == nil {
		t.Error("Uninstall(force) did not keep the database and its secret, and those alone")
	}
	if b.Get("secrets", "elsewhere", "theirs") == nil || b.Get("secrets", "elsewhere", "nobodys") == nil {
		t.Error("Uninstall(force) removed secrets that are not this release's")
	}
}

func TestUninstallOfNothing(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	removal, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Namespace, o.Force = "pgg", true })
	var missing *install.NoReleaseError
	if !errors.As(err, &missing) || !errors.Is(err, verify.ErrNotInstalled) || !slices.Equal(missing.Elsewhere, []string{"pg"}) || removal.Removed || len(b.Writes()) > 0 {
		t.Errorf("Uninstall(typo) = %+v, %v, want that it is in pg, and nothing written", removal, err)
	}
}

// What may not be removed is found before anything is.
func TestUninstallNotAllowed(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.Deny("delete configmaps")
	_, err := b.uninstall(t)
	if !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "may not delete configmaps in namespace pg") || len(b.Writes()) > 0 {
		t.Errorf("Uninstall() = %v, want what is not allowed and nothing written", err)
	}
}

// A failure on the way leaves the record, and the next run carries on.
func TestUninstallCarriesOn(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/regsecret") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "no"}
		}
		return nil
	})
	removal, err := b.uninstall(t)
	var half *install.UninstallError
	if !errors.As(err, &half) || half.State.Newest == nil || half.State.Newest.Status != helm.Uninstalled || removal.Removed {
		t.Fatalf("Uninstall() = %v, want the record left", err)
	}
	b.Refuse(nil)
	if removal, err = b.uninstall(t); err != nil || !removal.Removed || b.Get("secrets", "pg", "regsecret") != nil {
		t.Errorf("Uninstall() again = %+v, %v, want the rest removed", removal, err)
	}
}
