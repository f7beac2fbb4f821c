package install_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// What an earlier revision has defined counts too: its databases are there although the chart of
// today does not know them.
func TestUninstallKnowsEarlierKinds(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, map[string]string{"templates/crd.yaml": crd}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t, nil); err != nil { // a release without it
		t.Fatal(err)
	}
	if b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com") == nil {
		t.Fatal("the upgrade removed the CRD")
	}
	b.Put(t, db)
	b.Writes()
	_, err := b.uninstall(t)
	var inUse *install.InUseError
	if !errors.As(err, &inUse) || len(inUse.Instances) != 1 || inUse.Instances[0].Name != "precious" || len(b.Writes()) > 0 {
		t.Errorf("Uninstall() = %v, want the database in the way and nothing written", err)
	}
	removal, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Force = true })
	if err != nil || !slices.Equal(removal.KeptDefinitions, []string{"dbs.lab.example.com"}) || len(removal.Instances) != 1 {
		t.Errorf("Uninstall(force) = %+v, %v, want the CRD and the database named as kept", removal, err)
	}
	if b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com") == nil || b.Get("dbs.lab.example.com", "demo", "precious") == nil {
		t.Error("Uninstall(force) removed the CRD or the database")
	}
}

// A pull secret for which another release has a use as well stays.
func TestUninstallKeepsSharedSecrets(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil, func(o *install.Options) { o.InstanceNamespaces = []string{"demo"} }); err != nil {
		t.Fatal(err)
	}
	shared := pullsecret.Secret{Namespace: "demo", Name: "regsecret", Host: "r.example.com", Credentials: login, Owner: cluster.Owner{Namespace: "other", Release: "house"}}
	if _, err := pullsecret.Apply(t.Context(), b.options.Cluster, shared); err != nil {
		t.Fatal(err)
	}
	removal, err := b.uninstall(t)
	if err != nil || strings.Join(removal.Secrets, " ") != "pg/regsecret" || strings.Join(removal.KeptSecrets, " ") != "demo/regsecret" {
		t.Errorf("Uninstall() = %+v, %v, want the shared secret kept and the other removed", removal, err)
	}
	if b.Get("secrets", "demo", "regsecret") == nil || b.Get("secrets", "pg", "regsecret") != nil {
		t.Error("Uninstall() says what it has not done")
	}
}

// A run that has ended before it began touches nothing.
func TestUninstallInterrupted(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.Writes()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	removal, err := install.Uninstall(ctx, install.UninstallOptions{
		Cluster: b.options.Cluster, Product: b.options.Subject.Product, HelmRelease: "house", Namespace: "pg",
	})
	var half *install.UninstallError
	if err == nil || errors.As(err, &half) || removal.Removed || len(b.Writes()) > 0 {
		t.Errorf("Uninstall() stopped = %+v, %v, want nothing removed and nothing said of a half", removal, err)
	}
	if removal, err = b.uninstall(t); err != nil || !removal.Removed {
		t.Errorf("Uninstall() afterwards = %+v, %v, want it removed", removal, err)
	}
}

// A name that is taken in another namespace is not this release.
func TestUninstallLeavesNamesakes(t *testing.T) {
	b := newBench(t)
	other := func(o *install.Options) { o.Subject.Namespace = "second" }
	for _, change := range []func(*install.Options){func(*install.Options) {}, other} {
		if _, err := b.run(t, nil, change); err != nil {
			t.Fatal(err)
		}
	}
	if removal, err := b.uninstall(t); err != nil || strings.Join(removal.Secrets, " ") != "pg/regsecret" {
		t.Errorf("Uninstall() = %+v, %v, want one release's secret removed", removal, err)
	}
	if b.Get("configmaps", "second", "c") == nil || b.Get("secrets", "second", "regsecret") == nil || b.Get("configmaps", "pg", "c") != nil {
		t.Error("Uninstall() did not remove its own release, and that alone")
	}
	if missing, err := b.uninstall(t); err == nil || missing.Removed {
		t.Errorf("Uninstall() again = %+v, %v, want that it is not there", missing, err)
	}
}

// A chart's own objects of the kinds that it defines are in nobody's way where nobody calls these
// kinds databases. They stay: they may be databases all the same.
func TestUninstallKeepsItsOwnObjects(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"crds/crd.yaml": crd, "templates/own.yaml": "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: own}\nspec: {}\n"}
	if _, err := b.run(t, files); err != nil {
		t.Fatal(err)
	}
	b.Put(t, db)
	var inUse *install.InUseError
	if _, err := b.uninstall(t); !errors.As(err, &inUse) || len(inUse.Instances) != 1 || inUse.Instances[0].Name != "precious" {
		t.Fatalf("Uninstall() = %v, want the user's database in the way, and not the chart's own", err)
	}
	b.Remove("dbs.lab.example.com", "demo", "precious")
	removal, err := b.uninstall(t)
	if err != nil || len(removal.Instances) != 1 || removal.Instances[0].Name != "own" {
		t.Errorf("Uninstall() = %+v, %v, want it to go, and the chart's own object to be named", removal, err)
	}
	if b.Get("dbs.lab.example.com", "pg", "own") == nil {
		t.Error("the chart's own object is gone")
	}
}

// A release of another product than the one that is said: its databases are in the way as well.
func TestUninstallOfAnotherProduct(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, map[string]string{"templates/crd.yaml": crd}); err != nil {
		t.Fatal(err)
	}
	b.Put(t, db)
	b.Writes()
	other := *b.options.Subject.Product
	other.Cluster.Databases = []versions.Kind{{Group: "other.example.com", Kind: "Other"}}
	_, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Product = &other })
	var inUse *install.InUseError
	if !errors.As(err, &inUse) || len(inUse.Instances) != 1 || inUse.Instances[0].Name != "precious" || len(b.Writes()) > 0 {
		t.Errorf("Uninstall() = %v, want the database in the way and nothing written", err)
	}
}
