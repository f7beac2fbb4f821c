package cluster_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

// helm is helm's own library on the house's namespace, as somebody has it who does not use us.
func (h *house) helm(t *testing.T) *action.Configuration {
	t.Helper()
	config := &action.Configuration{}
	if err := config.Init(connect(t, h.adminFile).Getter(), h.namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	config.Releases = storage.Init(driver.NewSecrets(h.client(t).CoreV1().Secrets(h.namespace)))
	config.KubeClient.(*kube.Client).Namespace = h.namespace
	config.SetHookOutputFunc(func(_, _, _ string) io.Writer { return io.Discard })
	return config
}

func (h *house) records(t *testing.T) []*helmrelease.Release {
	t.Helper()
	history, err := h.helm(t).Releases.History("house")
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		t.Fatal(err)
	}
	return history
}

// However a chart comes to lose its CRD, an upgrade keeps it and every database; so it does with
// whatever else holds data.
func TestUpgradeKeepsDefinitions(t *testing.T) {
	tests := []struct {
		name        string
		first, next func(h *house) map[string]string
		set         string
		kept        string
	}{
		{name: "moved to crds",
			first: func(h *house) map[string]string { return map[string]string{"templates/crd.yaml": h.crd()} },
			next:  func(h *house) map[string]string { return map[string]string{"crds/crd.yaml": h.crd()} }},
		{name: "moved to templates",
			first: func(h *house) map[string]string { return map[string]string{"crds/crd.yaml": h.crd()} },
			next:  func(h *house) map[string]string { return map[string]string{"templates/crd.yaml": h.crd()} }},
		{name: "dropped",
			first: func(h *house) map[string]string { return map[string]string{"templates/crd.yaml": h.crd()} },
			next:  func(*house) map[string]string { return nil },
			kept:  "CustomResourceDefinition dbs."},
		{name: "dropped from crds",
			first: func(h *house) map[string]string { return map[string]string{"crds/crd.yaml": h.crd()} },
			next:  func(*house) map[string]string { return nil }},
		{name: "in a list",
			first: func(h *house) map[string]string {
				indented := strings.ReplaceAll(strings.TrimSpace(h.crd()), "\n", "\n  ")
				return map[string]string{"templates/crd.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + indented + "\n"}
			},
			next: func(*house) map[string]string { return nil },
			kept: "CustomResourceDefinition dbs."},
		{name: "switched off",
			first: func(h *house) map[string]string {
				return map[string]string{"templates/crd.yaml": "{{ if not .Values.off }}\n" + h.crd() + "{{ end }}\n"}
			},
			set: "off=true", kept: "CustomResourceDefinition dbs."},
		{name: "with a database",
			first: func(h *house) map[string]string {
				return map[string]string{"crds/crd.yaml": h.crd(), "templates/db.yaml": h.db("precious")}
			},
			next: func(*house) map[string]string { return nil },
			kept: "Db "},
		{name: "with a volume",
			first: func(h *house) map[string]string {
				return map[string]string{"templates/crd.yaml": h.crd(), "templates/pvc.yaml": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n" +
					"spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"}
			},
			next: func(h *house) map[string]string { return map[string]string{"templates/crd.yaml": h.crd()} },
			kept: "PersistentVolumeClaim "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			first := h.chart(t, tt.first(h))
			h.install(t, first)
			h.apply(t, h.db("precious"))
			next := first
			if tt.next != nil {
				next = h.chart(t, tt.next(h))
			}
			opts := h.options(t, next)
			if tt.set != "" {
				opts.Subject.User.Set = []string{tt.set}
			}
			if _, err := install.Run(t.Context(), opts); err != nil {
				t.Fatalf("Run(upgrade) = %v", err)
			}
			h.wantDatabase(t, "the upgrade", "precious")
			got, stay := strings.Join(h.warned, "\n"), "they stay: "
			if tt.kept != "" && !strings.Contains(got, stay+tt.kept) || tt.kept == "" && strings.Contains(got, stay) {
				t.Errorf("Run(upgrade) warned %q, want that %q stays, which the chart has no more", got, tt.kept)
			}
			// And a second time, when no manifest has it any more.
			h.install(t, next)
			h.wantDatabase(t, "another install", "precious")
		})
	}
}

// A release that helm itself made, with no mark anywhere: once we have upgraded it, neither a
// rollback nor an upgrade nor an uninstall of helm's own deletes the CRD.
func TestHelmItselfKeepsDefinitionsFromThenOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, config *action.Configuration, without *chart.Chart) error
	}{
		{"uninstall", func(_ *testing.T, config *action.Configuration, _ *chart.Chart) error {
			uninstall := action.NewUninstall(config)
			uninstall.Wait, uninstall.Timeout = true, 20*time.Second
			_, err := uninstall.Run("house")
			return err
		}},
		{"rollback, then uninstall", func(t *testing.T, config *action.Configuration, _ *chart.Chart) error {
			rollBack(t, config)
			_, err := action.NewUninstall(config).Run("house")
			return err
		}},
		{"rollback, then upgrade", func(t *testing.T, config *action.Configuration, without *chart.Chart) error {
			rollBack(t, config)
			loaded, err := without.Helm()
			if err != nil {
				t.Fatal(err)
			}
			_, err = action.NewUpgrade(config).Run("house", loaded, nil)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.clean(t)
			h.makeNamespace(t)
			with, without := h.chart(t, map[string]string{"templates/crd.yaml": h.crd()}), h.chart(t, nil)
			loaded, err := with.Helm()
			if err != nil {
				t.Fatal(err)
			}
			helms := action.NewInstall(h.helm(t))
			helms.ReleaseName, helms.Namespace = "house", h.namespace
			if _, err := helms.Run(loaded, map[string]any{"image": h.relocated.Registry.Host + "/house/op:1.2.3"}); err != nil {
				t.Fatal(err)
			}
			if cluster.Kept(h.get(t, crds, "dbs."+h.group)) {
				t.Fatal("helm marked the CRD by itself: this test tests nothing")
			}
			h.waitServed(t)
			h.apply(t, h.db("precious"))
			h.install(t, without)
			h.wantDatabase(t, "the upgrade", "precious")
			for _, record := range h.records(t) {
				if strings.Contains(record.Manifest, "kind: CustomResourceDefinition") && !strings.Contains(record.Manifest, "helm.sh/resource-policy: keep") {
					t.Errorf("the record of revision %d does not keep the CRD", record.Version)
				}
			}
			if err := tt.do(t, h.helm(t), without); err != nil {
				t.Fatalf("helm's own %s = %v", tt.name, err)
			}
			h.wantDatabase(t, "helm's own "+tt.name, "precious")
		})
	}
}

// rollBack lets helm go back to the first revision. It does not get past an object that it kept
// and that the newest manifest has not: it takes the live object for the original, and the API
// server refuses what comes of that. All that matters here is that nothing is lost.
func rollBack(t *testing.T, config *action.Configuration) {
	t.Helper()
	rollback := action.NewRollback(config)
	rollback.Version = 1
	if err := rollback.Run("house"); err != nil && !strings.Contains(err.Error(), "resourceVersion") {
		t.Fatal(err)
	}
}

// waitServed waits until the API server knows the house's databases.
func (h *house) waitServed(t *testing.T) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		known, err := connect(t, h.adminFile).Knows(t.Context(), h.kind())
		if known {
			return
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("the API server does not serve %s: %v", h.kind(), err)
		}
	}
}

// What fails with Atomic takes back what it made, and nothing that was there before: not a CRD
// that an uninstall had kept, and nothing that was taken over.
func TestAtomicTakesBackItsOwn(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	files := map[string]string{
		"templates/crd.yaml": h.crd(),
		"templates/own.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n",
		"templates/cm.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\ndata: {chart: was here}\n",
	}
	h.install(t, h.chart(t, map[string]string{"templates/crd.yaml": h.crd()}))
	h.apply(t, h.db("precious"))
	force := h.uninstallOptions(t)
	force.Force = true
	if _, err := install.Uninstall(t.Context(), force); err != nil {
		t.Fatal(err)
	}
	h.wantDatabase(t, "the uninstall", "precious")
	h.apply(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\ndata: {precious: \"yes\"}\n")

	opts := h.options(t, h.chart(t, files))
	opts.NoWait, opts.Atomic, opts.Adopt, opts.Timeout = false, true, true, 3*time.Second
	_, err := install.Run(t.Context(), opts)
	var failure *install.Failure
	if !errors.As(err, &failure) || !errors.Is(err, cluster.ErrNotReady) || failure.TakenBack == nil {
		t.Fatalf("Run(atomic) = %v, want that it was not ready, and taken back", err)
	}
	h.wantDatabase(t, "the failing install", "precious")
	theirs := h.get(t, configmaps, "theirs")
	if theirs == nil {
		t.Fatal("Run(atomic) deleted what it had taken over")
	}
	if h.get(t, deployments, "op") != nil || h.get(t, configmaps, "own") != nil {
		t.Error("Run(atomic) left what it had made")
	}
	for _, want := range []string{
		"taken back: 2 objects that this run had made", "there is no helm release house now",
		"there before this run, and still there", "CustomResourceDefinition dbs." + h.group, "theirs taken over",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Run(atomic) = %v, want it to say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "nothing in the cluster was changed") || failure.Unchanged {
		t.Errorf("Run(atomic) = %v, and it has changed things", err)
	}
}

// A failing upgrade goes back to the revision before: what it made goes, what it dropped comes
// back, what was there stays.
func TestAtomicUpgradeRollsBack(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	h.install(t, h.chart(t, map[string]string{
		"templates/crd.yaml":    h.crd(),
		"templates/deploy.yaml": "",
		"templates/old.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\ndata: {of: first}\n",
	}))
	h.apply(t, h.db("precious"))
	h.apply(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\ndata: {precious: \"yes\"}\n")
	opts := h.options(t, h.chart(t, map[string]string{
		"crds/crd.yaml":      h.crd(),
		"templates/new.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\n",
	}))
	opts.NoWait, opts.Atomic, opts.Adopt, opts.Timeout = false, true, true, 3*time.Second
	_, err := install.Run(t.Context(), opts)
	if !errors.Is(err, cluster.ErrNotReady) || !strings.Contains(err.Error(), "revision 3 in state deployed") {
		t.Fatalf("Run(atomic) = %v, want that it was not ready, and revision 3 is deployed", err)
	}
	h.wantDatabase(t, "the rollback", "precious")
	if h.get(t, configmaps, "old") == nil {
		t.Error("the rollback did not bring back what the upgrade had dropped")
	}
	if h.get(t, configmaps, "new") != nil || h.get(t, deployments, "op") != nil {
		t.Error("the rollback left what the upgrade had made")
	}
	if h.get(t, configmaps, "theirs") == nil {
		t.Error("the rollback deleted what was there before the upgrade")
	}
}

// The first revision fails, atomic or not: CRDs that it brought stay, for databases may have
// come to be since.
func TestAtomicKeepsNewDefinitions(t *testing.T) {
	h := newHouse(t)
	h.clean(t)
	opts := h.options(t, h.chart(t, map[string]string{"templates/crd.yaml": h.crd()}))
	opts.NoWait, opts.Atomic, opts.Timeout = false, true, 3*time.Second
	opts.Hooks.Waiting = func([]readiness.Pending) {
		if h.get(t, h.dbs(), "precious") == nil {
			h.apply(t, h.db("precious"))
		}
	}
	_, err := install.Run(t.Context(), opts)
	if !errors.Is(err, cluster.ErrNotReady) {
		t.Fatalf("Run(atomic) = %v, want that it was not ready", err)
	}
	h.wantDatabase(t, "the failing install", "precious")
	if h.get(t, deployments, "op") != nil {
		t.Error("Run(atomic) left what it had made")
	}
}
