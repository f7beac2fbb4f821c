package cluster_test

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

var house = cluster.Owner{Namespace: "pg", Release: "house"}

// An object belongs to a release only where all three marks say so.
func TestOwnerOf(t *testing.T) {
	for _, tt := range []struct {
		meta string
		want cluster.Owner
	}{
		{"labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: house, meta.helm.sh/release-namespace: pg}", house},
		{"labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: house}", cluster.Owner{}},
		{"annotations: {meta.helm.sh/release-name: house, meta.helm.sh/release-namespace: pg}", cluster.Owner{}},
		{"labels: {app.kubernetes.io/managed-by: argocd}, annotations: {meta.helm.sh/release-name: house, meta.helm.sh/release-namespace: pg}", cluster.Owner{}},
		{"labels: {a: b}", cluster.Owner{}},
	} {
		object := clustertest.Objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, "+tt.meta+"}\n")[0]
		if got := cluster.OwnerOf(&object.Unstructured); got != tt.want {
			t.Errorf("OwnerOf(%s) = %v, want %v", tt.meta, got, tt.want)
		}
	}
}

func TestFindAndAdopt(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg, labels: {a: b}}\ndata: {precious: \"yes\"}\n---\n"+crd)
	c := server.Connect(t)
	objects := clustertest.Objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: none}\n---\n"+
		crd+"---\napiVersion: nowhere.example.com/v1\nkind: Unknown\nmetadata: {name: u}\n")
	found, err := c.Find(t.Context(), objects, "pg")
	if err != nil || len(found) != 2 || found[0].GetName() != "c" || !found[1].IsCRD() {
		t.Fatalf("Find() = %v, %v, want the config map and the CRD", found, err)
	}
	if err := c.Adopt(t.Context(), found[0], house); err != nil {
		t.Fatal(err)
	}
	adopted := server.Get("configmaps", "pg", "c")
	if cluster.OwnerOf(adopted) != house || adopted.GetLabels()["a"] != "b" || adopted.Object["data"].(map[string]any)["precious"] != "yes" {
		t.Errorf("Adopt() made it %v, want the marks and everything else as it was", adopted.Object)
	}
	server.Deny("get configmaps")
	if _, err := c.Find(t.Context(), objects, "pg"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Find() forbidden = %v, want ErrDenied", err)
	}
}

func TestLasts(t *testing.T) {
	for kind, want := range map[schema.GroupKind]bool{
		cluster.Definition: true, {Kind: "Namespace"}: true, {Kind: "PersistentVolumeClaim"}: true, {Kind: "PersistentVolume"}: true, dbKind: true,
		{Kind: "ConfigMap"}: false, {Group: "apps", Kind: "Deployment"}: false, {Group: "other.example.com", Kind: "Db"}: false,
	} {
		if got := cluster.Lasts(kind, []schema.GroupKind{dbKind}); got != want {
			t.Errorf("Lasts(%v) = %v, want %v", kind, got, want)
		}
	}
}

// The live object is marked where it is the release's or nobody's, once, and nobody else's.
func TestKeepLive(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	object := clustertest.Objects(t, crd)[0]
	if marked, err := c.KeepLive(t.Context(), &object.Unstructured, house); marked || err != nil {
		t.Errorf("KeepLive(nothing) = %v, %v, want nothing to do", marked, err)
	}
	server.Put(t, crd)
	for _, want := range []bool{true, false} {
		if marked, err := c.KeepLive(t.Context(), &object.Unstructured, house); marked != want || err != nil {
			t.Errorf("KeepLive() = %v, %v, want %v", marked, err, want)
		}
	}
	if !cluster.Kept(server.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com")) {
		t.Error("KeepLive() did not mark the CRD")
	}
	theirs := clustertest.Objects(t, crd)[0]
	cluster.Owner{Namespace: "other", Release: "other"}.Mark(&theirs.Unstructured)
	if err := theirs.SetText(); err != nil {
		t.Fatal(err)
	}
	server.Put(t, theirs.Text)
	if marked, err := c.KeepLive(t.Context(), &object.Unstructured, house); marked || err != nil {
		t.Errorf("KeepLive(another's) = %v, %v, want it left alone", marked, err)
	}
}

func TestInstances(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	if got, err := c.Instances(t.Context(), dbKind, schema.GroupKind{}); got != nil || err != nil {
		t.Errorf("Instances(unknown kind) = %v, %v, want none", got, err)
	}
	marked := clustertest.Objects(t, crd)[0]
	house.Mark(&marked.Unstructured)
	if err := marked.SetText(); err != nil {
		t.Fatal(err)
	}
	server.Put(t, marked.Text)
	server.Put(t, db+"---\n"+strings.Replace(strings.Replace(db, "demo", "a", 1), "precious", "other", 1))
	c.Refresh()
	got, err := c.Instances(t.Context(), dbKind)
	want := []cluster.Instance{{Kind: "Db", Namespace: "a", Name: "other"}, {Kind: "Db", Namespace: "demo", Name: "precious"}}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("Instances() = %v, %v, want %v", got, err, want)
	}
	kinds, err := c.DefinedFor(t.Context(), house)
	if err != nil || len(kinds) != 1 || kinds[0] != dbKind {
		t.Errorf("DefinedFor(house) = %v, %v, want %v", kinds, err, dbKind)
	}
	if kinds, err := c.DefinedFor(t.Context(), cluster.Owner{Namespace: "x", Release: "y"}); err != nil || kinds != nil {
		t.Errorf("DefinedFor(another) = %v, %v, want none", kinds, err)
	}
}
