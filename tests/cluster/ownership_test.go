package cluster_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// marked is what helm knows an object of a release by.
func marked(name, namespace string) string {
	return "labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: " + name + ", meta.helm.sh/release-namespace: " + namespace + "}"
}

// What the chart brings and others have is found before anything is changed, and taken over
// only if asked, and only where nobody has it any more.
func TestOwnership(t *testing.T) {
	configMap := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, META}\n"
	for _, tt := range []struct {
		name string
		// there is what exists; NS is the house's namespace.
		there func(h *house) string
		title string
		says  string
		adopt bool
	}{
		{"a CRD of nobody's, in templates", func(h *house) string { return h.crd() }, "CustomResourceDefinition dbs.", "belongs to no helm release", true},
		{"a config map of nobody's", func(*house) string { return strings.Replace(configMap, "META", "labels: {a: b}", 1) }, "ConfigMap NS/c", "belongs to no helm release", true},
		{"of a release that is gone", func(*house) string { return strings.Replace(configMap, "META", marked("gone", "elsewhere"), 1) }, "ConfigMap NS/c", "belonged to helm release elsewhere/gone, which is gone", true},
		{"of a release that is there", func(*house) string { return strings.Replace(configMap, "META", marked("other", "NS"), 1) }, "ConfigMap NS/c", "belongs to helm release NS/other", false},
		{"a hook of nobody's", func(*house) string {
			return "apiVersion: v1\nkind: Secret\nmetadata: {name: hook}\nstringData: {precious: \"yes\"}\n"
		}, "Secret NS/hook", "belongs to no helm release", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			h.makeNamespace(t)
			in := func(text string) string { return strings.ReplaceAll(text, "NS", h.namespace) }
			h.apply(t, in(tt.there(h)))
			if strings.Contains(tt.title, "CustomResourceDefinition") {
				h.waitServed(t)
			}
			if strings.Contains(tt.says, "NS/other") {
				h.recordOther(t)
			}
			packed := h.chart(t, map[string]string{
				"templates/crd.yaml":  h.crd(),
				"templates/c.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {of: chart}\n",
				"templates/hook.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: hook, annotations: {helm.sh/hook: post-install}}\nstringData: {of: chart}\n",
			})
			before := h.everything(t, crds)
			_, err := install.Run(t.Context(), h.options(t, packed))
			var foreign *install.ForeignError
			if !errors.As(err, &foreign) || len(foreign.Objects) != 1 || foreign.Adoptable() != tt.adopt {
				t.Fatalf("Run() = %v, want one object that is not ours, and adoptable %v", err, tt.adopt)
			}
			for _, want := range []string{in(tt.title), in(tt.says), "nothing in the cluster was changed"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Run() = %v, want it to say %q", err, want)
				}
			}
			if after := h.everything(t, crds); after != before {
				t.Errorf("Run() refused and changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
			}

			opts := h.options(t, packed)
			opts.Adopt, opts.DryRun = true, true
			if outcome, err := install.Run(t.Context(), opts); (err == nil) != tt.adopt ||
				tt.adopt && !strings.Contains(strings.Join(outcome.Actions, "\n"), "take over "+in(tt.title)) {
				t.Errorf("Run(adopt, dry) = %v, %v, want that it would take it over: %v", outcome.Actions, err, tt.adopt)
			}
			opts.DryRun = false
			outcome, err := install.Run(t.Context(), opts)
			if !tt.adopt {
				if !errors.As(err, &foreign) {
					t.Errorf("Run(adopt) = %v, want that the other release keeps it", err)
				}
				return
			}
			if err != nil || len(outcome.Adopted) != 1 || !strings.Contains(outcome.Adopted[0], in(tt.title)) {
				t.Errorf("Run(adopt) = %v, %v, want %s taken over", outcome.Adopted, err, in(tt.title))
			}
			// It is the release's now, and a second install asks no more.
			h.install(t, packed)
		})
	}
}

// recordOther makes a helm release of another name in the house's namespace.
func (h *house) recordOther(t *testing.T) {
	t.Helper()
	opts := h.options(t, h.chart(t, map[string]string{"templates/deploy.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-other}\n"}))
	opts.Subject.HelmRelease = "other"
	if _, err := install.Run(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
}

// CRDs of a crds/ folder belong to the release that applied them, and another one finds out.
func TestOwnershipOfFolder(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	packed := h.chart(t, map[string]string{"crds/crd.yaml": h.crd()})
	h.install(t, packed)
	if got := cluster.OwnerOf(h.get(t, crds, "dbs."+h.group)); got != (cluster.Owner{Namespace: h.namespace, Release: "house"}) {
		t.Errorf("the CRD belongs to %v, want the release", got)
	}
	opts := h.options(t, h.chart(t, map[string]string{"crds/crd.yaml": h.crd(), "templates/deploy.yaml": ""}))
	opts.Subject.HelmRelease = "second"
	_, err := install.Run(t.Context(), opts)
	var foreign *install.ForeignError
	if !errors.As(err, &foreign) || foreign.Adoptable() || !strings.Contains(err.Error(), "belongs to helm release "+h.namespace+"/house") {
		t.Errorf("Run(second release) = %v, want that the CRD is the first one's", err)
	}
	if got := cluster.OwnerOf(h.get(t, crds, "dbs."+h.group)); got.Release != "house" {
		t.Errorf("Run(second release) took the CRD over: %v", got)
	}
}

// A typo in a namespace, or a release that never was: nothing is touched, and that is an error.
func TestUninstallOfNothing(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	opts := h.options(t, h.chart(t, nil))
	opts.InstanceNamespaces = []string{h.namespace + "-demo"}
	if _, err := install.Run(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	before := h.everything(t)
	for name, change := range map[string]func(*install.UninstallOptions){
		"a typo in the namespace": func(o *install.UninstallOptions) { o.Namespace = h.namespace + "s" },
		"another helm release":    func(o *install.UninstallOptions) { o.HelmRelease = "hose" },
	} {
		uninstall := h.uninstallOptions(t)
		uninstall.Force = true
		change(&uninstall)
		removal, err := install.Uninstall(t.Context(), uninstall)
		var missing *install.NoReleaseError
		if !errors.Is(err, verify.ErrNotInstalled) || !errors.As(err, &missing) || removal.Removed || len(removal.Secrets) > 0 {
			t.Errorf("Uninstall(%s) = %+v, %v, want that there is no such release", name, removal, err)
			continue
		}
		if found := slices.Contains(missing.Elsewhere, h.namespace); found != (uninstall.HelmRelease == "house") {
			t.Errorf("Uninstall(%s) = %v, want to be told where it is", name, err)
		}
	}
	if after := h.everything(t); after != before {
		t.Errorf("Uninstall() of nothing changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}
	demo := h.namespace + "-demo"
	if _, err := h.dynamic.Resource(secrets).Namespace(demo).Get(t.Context(), "regsecret", metav1.GetOptions{}); err != nil {
		t.Errorf("Uninstall() of nothing removed the secret of %s: %v", demo, err)
	}
	// The real one takes both secrets with it, for no database needs them.
	removal, err := install.Uninstall(t.Context(), h.uninstallOptions(t))
	if err != nil || strings.Join(removal.Secrets, " ") != demo+"/regsecret "+h.namespace+"/regsecret" {
		t.Errorf("Uninstall() = %+v, %v, want both secrets removed", removal, err)
	}
}

// Databases of a product that nobody knows are what its own CRDs define. They block, and keep
// the secrets of their namespaces; so does another release's use of a secret.
func TestUninstallOfUnknownProduct(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	packed := h.chart(t, map[string]string{"templates/crd.yaml": h.crd()})
	opts := h.options(t, packed)
	demo, shared := h.namespace+"-demo", h.namespace+"-shared"
	opts.InstanceNamespaces = []string{demo, shared}
	if _, err := install.Run(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	// The newest revision does not have the CRD any more: it still defines what databases are.
	opts = h.options(t, h.chart(t, nil))
	opts.InstanceNamespaces = []string{demo, shared}
	if _, err := install.Run(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	other := pullsecret.Secret{Namespace: shared, Name: "regsecret", Host: h.relocated.Registry.Host,
		Credentials: lab.Credentials(puller), Owner: cluster.Owner{Namespace: "elsewhere", Release: "other"}}
	if _, err := pullsecret.Apply(t.Context(), opts.Cluster, other); err != nil {
		t.Fatal(err)
	}
	if err := lab.ApplyText(t.Context(), h.admin, []byte(strings.Replace(h.db("precious"), "{name", "{namespace: "+demo+", name", 1)), nil); err != nil {
		t.Fatal(err)
	}
	before := h.everything(t)
	_, err := install.Uninstall(t.Context(), h.uninstallOptions(t))
	if !errors.Is(err, install.ErrInUse) || !strings.Contains(err.Error(), "Db "+demo+"/precious") {
		t.Fatalf("Uninstall() = %v, want that the database is in the way", err)
	}
	if after := h.everything(t); after != before {
		t.Errorf("Uninstall() refused and changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}
	force := h.uninstallOptions(t)
	force.Force = true
	removal, err := install.Uninstall(t.Context(), force)
	if err != nil || !removal.Removed {
		t.Fatalf("Uninstall(force) = %+v, %v", removal, err)
	}
	if got, want := strings.Join(removal.KeptSecrets, " "), demo+"/regsecret "+shared+"/regsecret"; got != want {
		t.Errorf("Uninstall(force) kept the secrets %q, want %q", got, want)
	}
	if got, want := strings.Join(removal.KeptDefinitions, " "), "dbs."+h.group; got != want {
		t.Errorf("Uninstall(force) = kept CRDs %q, want %q", got, want)
	}
	if _, err := h.dynamic.Resource(h.dbs()).Namespace(demo).Get(t.Context(), "precious", metav1.GetOptions{}); err != nil {
		t.Errorf("Uninstall(force) lost the database: %v", err)
	}
}

// An uninstall that was cut short leaves its record, and the next one carries on.
func TestUninstallCarriesOn(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.install(t, h.chart(t, nil))
	releases, err := helm.Open(t.Context(), connect(t, h.adminFile), h.namespace, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := releases.Uninstall(t.Context(), helm.Removal{Name: "house", Timeout: h.uninstallOptions(t).Timeout}); err != nil {
		t.Fatal(err)
	}
	if h.get(t, deployments, "op") != nil || h.get(t, secrets, "regsecret") == nil || len(h.records(t)) == 0 {
		t.Fatal("the first half did not go as far as this test wants")
	}
	removal, err := install.Uninstall(t.Context(), h.uninstallOptions(t))
	if err != nil || !removal.Removed || len(removal.Secrets) != 1 || len(h.records(t)) != 0 {
		t.Errorf("Uninstall() = %+v, %v, want the rest removed", removal, err)
	}
}

// Who may do nothing at all is told everything that he lacks, and not the first of it.
func TestNoPermissionAtAll(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	account := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: nobody, namespace: pgrelocate}\n"
	if err := lab.ApplyText(t.Context(), h.admin, []byte(account), nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nobody")
	if err := lab.WriteKubeconfig(context.WithoutCancel(t.Context()), h.admin, file, "pgrelocate", "nobody"); err != nil {
		t.Fatal(err)
	}
	opts := h.options(t, h.chart(t, map[string]string{"templates/crd.yaml": h.crd()}))
	opts.Cluster = connect(t, file)
	_, err := install.Run(t.Context(), opts)
	var denied *cluster.DeniedError
	if !errors.As(err, &denied) {
		t.Fatalf("Run() = %v, want a list of what is denied", err)
	}
	for _, want := range []string{
		"may not get namespaces " + h.namespace, "may not list secrets in namespace " + h.namespace,
		"may not create deployments.apps in namespace " + h.namespace, "may not patch customresourcedefinitions.apiextensions.k8s.io",
		"system:serviceaccount:pgrelocate:nobody lacks", "nothing in the cluster was changed",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Run() = %v, want it to say %q", err, want)
		}
	}
}
