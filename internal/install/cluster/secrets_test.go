package cluster_test

import (
	"errors"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

var login = cluster.Credentials{Username: "robot", Password: "s3cret"}

func pullSecret(namespace string) cluster.PullSecret {
	return cluster.PullSecret{Namespace: namespace, Name: "regsecret", Host: "r.example.com", Credentials: login, Owner: house}
}

func TestApplySecret(t *testing.T) {
	server := clustertest.New(t)
	c := connect(t, server)
	var missing *cluster.NoNamespaceError
	if _, err := c.Apply(t.Context(), pullSecret("demo")); !errors.As(err, &missing) || missing.Namespace != "demo" {
		t.Errorf("Apply() without its namespace = %v, want that it does not exist", err)
	}
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	for _, want := range []cluster.SecretChange{cluster.SecretCreated, cluster.SecretUnchanged} {
		if got, err := c.Apply(t.Context(), pullSecret("demo")); got.Change != want || err != nil {
			t.Errorf("Apply() = %s, %v, want %s", got.Change, err, want)
		}
	}
	rotated := pullSecret("demo")
	rotated.Credentials.Password = "other"
	if got, err := c.Apply(t.Context(), rotated); got.Change != cluster.SecretUpdated || err != nil {
		t.Errorf("Apply(other password) = %s, %v, want updated", got.Change, err)
	}
	if got, err := c.StoredCredentials(t.Context(), "demo", "regsecret", "r.example.com"); got != rotated.Credentials || err != nil {
		t.Errorf("StoredCredentials() = %v, %v, want the rotated ones", got, err)
	}
	if _, err := c.StoredCredentials(t.Context(), "demo", "regsecret", "other.example.com"); !errors.Is(err, cluster.ErrNoEntry) {
		t.Errorf("StoredCredentials(other host) = %v, want ErrNoEntry", err)
	}
	if _, err := c.StoredCredentials(t.Context(), "demo", "none", "r.example.com"); !errors.Is(err, cluster.ErrNoSecret) {
		t.Errorf("StoredCredentials(no secret) = %v, want ErrNoSecret", err)
	}
}

// A secret that is somebody else's is left alone, and taken over only by force, of another type
// even.
func TestApplyForeignSecret(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: demo}\ntype: Opaque\ndata: {a: Yg==}\n")
	c := connect(t, server)
	server.Writes()
	got, err := c.Apply(t.Context(), pullSecret("demo"))
	if !errors.Is(err, cluster.ErrNotOurs) || got.Change != cluster.SecretForeign || len(server.Writes()) > 0 {
		t.Errorf("Apply() = %s, %v, want it left alone", got.Change, err)
	}
	forced := pullSecret("demo")
	forced.Force = true
	if got, err := c.Apply(t.Context(), forced); got.Change != cluster.SecretCreated || err != nil {
		t.Errorf("Apply(force) = %s, %v, want it made anew", got.Change, err)
	}
}

// A secret belongs to the release that first had a use for it, and says when others have one too.
func TestSecretsOwner(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	c := connect(t, server)
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
		if _, err := c.Apply(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		ours, err := c.OurSecrets(t.Context())
		if err != nil || len(ours) != 1 || ours[0].Owner != tt.want || ours[0].Shared != tt.wantShared {
			t.Errorf("after Apply(%v) OurSecrets() = %+v, %v, want %v's, shared %v", tt.owner, ours, err, tt.want, tt.wantShared)
		}
	}
}

func TestRotate(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n")
	c := connect(t, server)
	elsewhere := pullSecret("b")
	elsewhere.Name, elsewhere.Host = "elsewhere", "other.example.com"
	for _, secret := range []cluster.PullSecret{pullSecret("a"), pullSecret("b"), elsewhere} {
		if _, err := c.Apply(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	renewed := cluster.Credentials{Username: "robot", Password: "new"}
	results, err := c.Rotate(t.Context(), "r.example.com", renewed)
	if err != nil || len(results) != 2 || results[0].Change != cluster.SecretUpdated {
		t.Errorf("Rotate() = %v, %v, want two updated", results, err)
	}
	if got, err := c.StoredCredentials(t.Context(), "b", "elsewhere", "other.example.com"); got != login || err != nil {
		t.Errorf("Rotate() changed another registry's secret: %v, %v", got, err)
	}
	if ours, err := c.OurSecrets(t.Context()); err != nil || ours[0].Owner != house {
		t.Errorf("Rotate() lost whose the secret is: %+v, %v", ours, err)
	}
	server.Deny("patch secrets")
	if _, err := c.Rotate(t.Context(), "r.example.com", login); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Rotate() forbidden = %v, want ErrDenied", err)
	}
}

// A secret for nodes that redirect is keyed by the vendors' hosts too, and stays so when it is
// renewed by whoever knows nothing of them.
func TestVendorsHosts(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	c := connect(t, server)
	secret := pullSecret("demo")
	secret.Vendors = []string{"vendor.example.com", "docker.io"}
	if _, err := c.Apply(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	renewed := cluster.Credentials{Username: "robot", Password: "new"}
	if _, err := c.Rotate(t.Context(), "r.example.com", renewed); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"r.example.com", "vendor.example.com", "docker.io"} {
		if got, err := c.StoredCredentials(t.Context(), "demo", "regsecret", host); got != renewed || err != nil {
			t.Errorf("StoredCredentials(%s) after Rotate() = %v, %v, want the new ones", host, got, err)
		}
	}
	// One that is not ours says nothing of vendors that we would believe.
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: default, annotations: {pgrelocate.dev/vendor-hosts: evil.example.com}}\ntype: kubernetes.io/dockerconfigjson\n")
	taken := pullSecret("default")
	taken.Force = true
	if _, err := c.Apply(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StoredCredentials(t.Context(), "default", "regsecret", "evil.example.com"); !errors.Is(err, cluster.ErrNoEntry) {
		t.Errorf("StoredCredentials() of a stranger's host = %v, want ErrNoEntry", err)
	}
}

func TestRemoveSecret(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: demo}\n")
	c := connect(t, server)
	for range 2 { // what is not there is removed already
		if err := c.RemoveSecret(t.Context(), "demo", "s"); err != nil || server.Get("secrets", "demo", "s") != nil {
			t.Errorf("RemoveSecret() = %v", err)
		}
	}
	server.Deny("delete secrets")
	if err := c.RemoveSecret(t.Context(), "demo", "s"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("RemoveSecret() forbidden = %v, want ErrDenied", err)
	}
}
