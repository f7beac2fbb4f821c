package install_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// role is a role of an operator with one rule.
func role(group, resources, verbs string) map[string]string {
	return map[string]string{"templates/role.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: op}\nrules:\n" +
		"- {apiGroups: [\"\"], resources: [secrets, \"*\"], verbs: [\"*\"]}\n- {apiGroups: [\"" + group + "\"], resources: [" + resources + "], verbs: [" + verbs + "]}\n"}
}

// An operator whose CRDs are of another chart counts what it looks after as databases, as far as its
// roles tell: databases that others look after are in nobody's way.
func TestUninstallOfAnOperatorWithoutDefinitions(t *testing.T) {
	for _, tt := range []struct {
		name, group, resources, verbs string
		refused                       bool
	}{
		{"the status", "lab.example.com", "dbs/status", "update", true},
		{"the finalizers", "lab.example.com", "dbs/finalizers", "patch", true},
		{"everything of its group", "lab.example.com", `"*"`, `"*"`, true},
		{"making some", "lab.example.com", "dbs", "get, create, update, delete", false},
		{"reading", "lab.example.com", "dbs/status", "get", false},
		{"everything there is", "*", `"*"`, `"*"`, false},
		{"another group", "other.example.com", "dbs/status", "update", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.Put(t, crd)
			b.Put(t, db)
			b.options.Cluster.Refresh()
			if _, err := b.run(t, role(tt.group, tt.resources, tt.verbs)); err != nil {
				t.Fatal(err)
			}
			removal, err := b.uninstall(t)
			var inUse *install.InUseError
			if !tt.refused {
				if err != nil || !removal.Removed {
					t.Errorf("Uninstall() = %v, want it removed", err)
				}
				return
			}
			if !errors.As(err, &inUse) || err.Error() != "1 database exists; nothing was removed\n  Db demo/precious" || len(b.Writes()) > 0 {
				t.Errorf("Uninstall() = %v, want the database in the way and nothing written", err)
			}
			if removal, err = b.uninstall(t, func(o *install.UninstallOptions) { o.Force = true }); err != nil || !removal.Removed || len(removal.Instances) != 1 {
				t.Errorf("Uninstall(force) = %+v, %v, want it removed", removal, err)
			}
		})
	}
}

// A role for everything in a group tells little of kinds that another release has brought, and looks after: their
// objects are in nobody's way. Where that is not sure, they are.
func TestUninstallOfAnOperatorBesideAnother(t *testing.T) {
	const workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: theirs}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: '{{ .Values.image }}'}]}}}\n"
	for _, tt := range []struct {
		name, own, theirs, workload string
		change                      func(*bench)
		refused                     bool
	}{
		{"which looks after them", `"*"`, "dbs/status", workload, func(*bench) {}, false},
		{"which says so of all as well", `"*"`, `"*"`, workload, func(*bench) {}, false},
		{"and looks after them itself", "dbs/status", "dbs/status", workload, func(*bench) {}, true},
		{"which only defines them", `"*"`, "dbs", workload, func(*bench) {}, true},
		{"which runs nothing", `"*"`, `"*"`, "", func(*bench) {}, true},
		{"which is gone", `"*"`, "dbs/status", workload, func(b *bench) {
			if _, err := b.uninstall(t, func(o *install.UninstallOptions) { o.HelmRelease, o.Namespace = "beside", "theirs" }); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"which is of the same chart", `"*"`, "dbs/status", workload, func(*bench) {}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			beside := role("lab.example.com", tt.theirs, `"*"`)
			beside["crds/crd.yaml"], beside["templates/d.yaml"] = crd, tt.workload
			if tt.name != "which is of the same chart" {
				beside["Chart.yaml"] = "apiVersion: v2\nname: beside\nversion: 1.0.0\n"
			}
			beside["templates/role.yaml"] = strings.Replace(beside["templates/role.yaml"], "{name: op}", "{name: theirs}", 1)
			if _, err := b.run(t, beside, func(o *install.Options) {
				o.Subject.HelmRelease, o.Subject.Namespace, o.NoWait = "beside", "theirs", true
			}); err != nil {
				t.Fatal(err)
			}
			b.options.Cluster.Refresh()
			if _, err := b.run(t, role("lab.example.com", tt.own, `"*"`)); err != nil {
				t.Fatal(err)
			}
			tt.change(b)
			b.Put(t, db)
			_, err := b.uninstall(t)
			var inUse *install.InUseError
			if tt.refused != errors.As(err, &inUse) || !tt.refused && err != nil {
				t.Errorf("Uninstall() = %v, want it refused: %v", err, tt.refused)
			}
			if b.Get("dbs.lab.example.com", "demo", "precious") == nil {
				t.Error("Uninstall() removed a database")
			}
		})
	}
}

// The product's word goes before what roles tell.
func TestManagedByAProductThatKnows(t *testing.T) {
	b := newBench(t)
	b.Put(t, crd)
	b.Put(t, strings.NewReplacer("dbs", "copies", "db", "copy", "Db", "Copy").Replace(crd))
	b.Put(t, "apiVersion: lab.example.com/v1\nkind: Copy\nmetadata: {name: of-precious, namespace: demo}\n")
	b.options.Cluster.Refresh()
	if _, err := b.run(t, role("lab.example.com", "dbs/status, copies/status", "update")); err != nil {
		t.Fatal(err)
	}
	known := *b.options.Subject.Product
	known.Cluster.Databases = []versions.Kind{{Group: "lab.example.com", Kind: "Db"}}
	if removal, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Product = &known }); err != nil || !removal.Removed {
		t.Errorf("Uninstall() = %v, want it removed, for a copy is no database", err)
	}
}

// A database that the chart brings, and drops, stays, whoever defines its kind.
func TestUpgradeKeepsWhatItManages(t *testing.T) {
	b := newBench(t)
	b.Put(t, crd)
	b.options.Cluster.Refresh()
	files := role("lab.example.com", "dbs/status", "update")
	files["templates/own.yaml"] = "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: own}\nspec: {}\n"
	if _, err := b.run(t, files); err != nil {
		t.Fatal(err)
	}
	delete(files, "templates/own.yaml")
	if _, err := b.run(t, files); err != nil || b.Get("dbs.lab.example.com", "pg", "own") == nil {
		t.Errorf("Run() = %v, want the database that the chart dropped to stay", err)
	}
}
