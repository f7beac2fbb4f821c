package pullsecret_test

import (
	"errors"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

var (
	login = pullsecret.Credentials{Username: "robot", Password: "s3cret"}
	house = cluster.Owner{Namespace: "pg", Release: "house"}
)

func pullSecret(namespace string) pullsecret.Secret {
	return pullsecret.Secret{Namespace: namespace, Name: "regsecret", Host: "r.example.com", Credentials: login, Owner: house}
}

func TestApplySecret(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	var missing *cluster.NoNamespaceError
	if _, err := pullsecret.Apply(t.Context(), c, pullSecret("demo")); !errors.As(err, &missing) || missing.Namespace != "demo" {
		t.Errorf("Apply() without its namespace = %v, want that it does not exist", err)
	}
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	for _, want := range []pullsecret.Change{pullsecret.Created, pullsecret.Unchanged} {
		if got, err := pullsecret.Apply(t.Context(), c, pullSecret("demo")); got.Change != want || err != nil {
			t.Errorf("Apply() = %s, %v, want %s", got.Change, err, want)
		}
	}
	rotated := pullSecret("demo")
	rotated.Credentials.Password = "other"
	if got, err := pullsecret.Apply(t.Context(), c, rotated); got.Change != pullsecret.Updated || err != nil {
		t.Errorf("Apply(other password) = %s, %v, want updated", got.Change, err)
	}
	if got, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", "r.example.com"); got != rotated.Credentials || err != nil {
		t.Errorf("Stored() = %v, %v, want the rotated ones", got, err)
	}
	if _, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", "other.example.com"); !errors.Is(err, pullsecret.ErrNoEntry) {
		t.Errorf("Stored(other host) = %v, want ErrNoEntry", err)
	}
	if _, err := pullsecret.Stored(t.Context(), c, "demo", "none", "r.example.com"); !errors.Is(err, pullsecret.ErrNoSecret) {
		t.Errorf("Stored(no secret) = %v, want ErrNoSecret", err)
	}
}

// A secret that is somebody else's is left alone, and taken over only by force, of another type
// even.
func TestApplyForeignSecret(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: demo}\ntype: Opaque\ndata: {a: Yg==}\n")
	c := server.Connect(t)
	server.Writes()
	got, err := pullsecret.Apply(t.Context(), c, pullSecret("demo"))
	if !errors.Is(err, cluster.ErrNotOurs) || got.Change != pullsecret.Foreign || len(server.Writes()) > 0 {
		t.Errorf("Apply() = %s, %v, want it left alone", got.Change, err)
	}
	forced := pullSecret("demo")
	forced.Force = true
	if got, err := pullsecret.Apply(t.Context(), c, forced); got.Change != pullsecret.Created || err != nil {
		t.Errorf("Apply(force) = %s, %v, want it made anew", got.Change, err)
	}
}

// A secret belongs to the release that first had a use for it, and says when others have one too.
func TestSecretsOwner(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	c := server.Connect(t)
	other := cluster.Owner{Namespace: "other", Release: "other"}
	for _, tt := range []struct {
		owner      cluster.Owner
		want       cluster.Owner
		wantShared bool
	}{
		{cluster.Owner{}, cluster.Owner{}, false}, // of nobody yet
		{house, house, false},
		{house, house, false},
		{cluster.Owner{}, house, false}, // as a rotation does
		{other, house, true},
		{house, house, true},
	} {
		secret := pullSecret("demo")
		secret.Owner = tt.owner
		if _, err := pullsecret.Apply(t.Context(), c, secret); err != nil {
			t.Fatal(err)
		}
		ours, err := pullsecret.List(t.Context(), c)
		if err != nil || len(ours) != 1 || ours[0].Owner != tt.want || ours[0].Shared != tt.wantShared {
			t.Errorf("after Apply(%v) List() = %+v, %v, want %v's, shared %v", tt.owner, ours, err, tt.want, tt.wantShared)
		}
	}
}

func TestRotate(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n")
	c := server.Connect(t)
	elsewhere := pullSecret("b")
	elsewhere.Name, elsewhere.Host = "elsewhere", "other.example.com"
	for _, secret := range []pullsecret.Secret{pullSecret("a"), pullSecret("b"), elsewhere} {
		if _, err := pullsecret.Apply(t.Context(), c, secret); err != nil {
			t.Fatal(err)
		}
	}
	renewed := pullsecret.Credentials{Username: "robot", Password: "new"}
	results, err := pullsecret.Rotate(t.Context(), c, "r.example.com", renewed)
	if err != nil || len(results) != 2 || results[0].Change != pullsecret.Updated {
		t.Errorf("Rotate() = %v, %v, want two updated", results, err)
	}
	if got, err := pullsecret.Stored(t.Context(), c, "b", "elsewhere", "other.example.com"); got != login || err != nil {
		t.Errorf("Rotate() changed another registry's secret: %v, %v", got, err)
	}
	if ours, err := pullsecret.List(t.Context(), c); err != nil || ours[0].Owner != house {
		t.Errorf("Rotate() lost whose the secret is: %+v, %v", ours, err)
	}
	server.Deny("patch secrets")
	if _, err := pullsecret.Rotate(t.Context(), c, "r.example.com", login); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Rotate() forbidden = %v, want ErrDenied", err)
	}
}

// A secret for nodes that redirect is keyed by the vendors' hosts too, and stays so when it is
// renewed by whoever knows nothing of them.
func TestVendorsHosts(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	c := server.Connect(t)
	secret := pullSecret("demo")
	secret.Vendors = []string{"vendor.example.com", "docker.io"}
	if _, err := pullsecret.Apply(t.Context(), c, secret); err != nil {
		t.Fatal(err)
	}
	renewed := pullsecret.Credentials{Username: "robot", Password: "new"}
	if _, err := pullsecret.Rotate(t.Context(), c, "r.example.com", renewed); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"r.example.com", "vendor.example.com", "docker.io"} {
		if got, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", host); got != renewed || err != nil {
			t.Errorf("Stored(%s) after Rotate() = %v, %v, want the new ones", host, got, err)
		}
	}
	// One that is not ours says nothing of vendors that we would believe.
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: default, annotations: {pgrelocate.dev/vendor-hosts: evil.example.com}}\ntype: kubernetes.io/dockerconfigjson\n")
	taken := pullSecret("default")
	taken.Force = true
	if _, err := pullsecret.Apply(t.Context(), c, taken); err != nil {
		t.Fatal(err)
	}
	if _, err := pullsecret.Stored(t.Context(), c, "default", "regsecret", "evil.example.com"); !errors.Is(err, pullsecret.ErrNoEntry) {
		t.Errorf("Stored() of a stranger's host = %v, want ErrNoEntry", err)
	}
}

func TestRemoveSecret(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: demo}\n")
	c := server.Connect(t)
	for range 2 { // what is not there is removed already
		if err := pullsecret.Remove(t.Context(), c, "demo", "s"); err != nil || server.Get("secrets", "demo", "s") != nil {
			t.Errorf("Remove() = %v", err)
		}
	}
	server.Deny("delete secrets")
	if err := pullsecret.Remove(t.Context(), c, "demo", "s"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Remove() forbidden = %v, want ErrDenied", err)
	}
}
