package pullsecret_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

const theirs = "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: demo, labels: {team: a}}\ntype: Opaque\ndata: {precious: Yg==}\n"

// on answers requests of a method to the secret.
func on(method string, answer func() *clustertest.Refusal) func(*http.Request) *clustertest.Refusal {
	return func(r *http.Request) *clustertest.Refusal {
		if r.Method == method && strings.HasSuffix(r.URL.Path, "/secrets/regsecret") {
			return answer()
		}
		return nil
	}
}

func down() *clustertest.Refusal {
	return &clustertest.Refusal{Code: http.StatusInternalServerError, Reason: "InternalError", Message: "etcd is down"}
}

// A secret of another type has to go before ours comes. Where ours is then refused, theirs is put back: force
// takes over a name, and loses nothing.
func TestForcedSecretIsPutBack(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, theirs)
	c := server.Connect(t)
	forced := pullSecret("demo")
	forced.Force = true
	server.Refuse(on(http.MethodPatch, down))
	if got, err := pullsecret.Apply(t.Context(), c, forced); err == nil || got.Change != "" || !strings.Contains(err.Error(), "etcd is down") {
		t.Fatalf("Apply(force) refused = %q, %v, want why", got.Change, err)
	}
	kept := server.Get("secrets", "demo", "regsecret")
	if kept == nil || kept.Object["type"] != "Opaque" || kept.GetLabels()["team"] != "a" || kept.Object["data"].(map[string]any)["precious"] != "Yg==" {
		t.Fatalf("Apply(force) refused left %v, want the secret as it was", kept)
	}
	// Where it cannot be put back either, that is said.
	server.Deny("create secrets")
	_, err := pullsecret.Apply(t.Context(), c, forced)
	if !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "etcd is down") || !strings.Contains(err.Error(), "putting back secret demo/regsecret") {
		t.Errorf("Apply(force) that loses theirs = %v, want both said", err)
	}
}

// One that somebody else removes meanwhile is out of the way already.
func TestForcedSecretIsGone(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, theirs)
	c := server.Connect(t)
	forced := pullSecret("demo")
	forced.Force = true
	server.Refuse(on(http.MethodDelete, func() *clustertest.Refusal {
		server.Remove("secrets", "demo", "regsecret")
		return nil
	}))
	if got, err := pullsecret.Apply(t.Context(), c, forced); err != nil || got.Change != pullsecret.Created {
		t.Errorf("Apply(force) of one that has gone = %q, %v, want it made", got.Change, err)
	}
	server.Put(t, theirs)
	server.Refuse(on(http.MethodDelete, down))
	if got, err := pullsecret.Apply(t.Context(), c, forced); err == nil || got.Change != "" || !strings.Contains(err.Error(), "replacing secret demo/regsecret: etcd is down") {
		t.Errorf("Apply(force) of one that cannot be removed = %q, %v, want why", got.Change, err)
	}
	if server.Get("secrets", "demo", "regsecret").Object["type"] != "Opaque" {
		t.Error("Apply(force) wrote over what it could not remove")
	}
}

// A secret that cannot be read is not taken for one that is not there, and nothing is written over it.
func TestSecretThatCannotBeRead(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, theirs)
	c := server.Connect(t)
	server.Writes()
	server.Refuse(on(http.MethodGet, down))
	if got, err := pullsecret.Apply(t.Context(), c, pullSecret("demo")); err == nil || got.Change != "" || len(server.Writes()) > 0 {
		t.Errorf("Apply() = %q, %v, want an error and nothing written", got.Change, err)
	}
	if _, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", "r.example.com"); err == nil || errors.Is(err, pullsecret.ErrNoSecret) || errors.Is(err, pullsecret.ErrNoEntry) {
		t.Errorf("Stored() = %v, want neither that there is none nor that it has nothing", err)
	}
	if written, err := pullsecret.Written(t.Context(), c, "demo", "regsecret"); err == nil || !written.IsZero() {
		t.Errorf("Written() = %v, %v, want an error", written, err)
	}
}

// A secret that is removed while others are renewed stays removed: an uninstall may have done it.
func TestRotateMakesNone(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	for _, namespace := range []string{"a", "b"} {
		server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+namespace+"}\n")
		if _, err := pullsecret.Apply(t.Context(), c, pullSecret(namespace)); err != nil {
			t.Fatal(err)
		}
	}
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/a/secrets/regsecret") {
			server.Remove("secrets", "a", "regsecret")
		}
		return nil
	})
	renewed := pullsecret.Credentials{Username: "robot", Password: "new"}
	results, err := pullsecret.Rotate(t.Context(), c, "r.example.com", renewed)
	if err != nil || len(results) != 1 || results[0].Namespace != "b" || results[0].Change != pullsecret.Updated {
		t.Errorf("Rotate() = %+v, %v, want b's renewed alone", results, err)
	}
	if server.Get("secrets", "a", "regsecret") != nil {
		t.Error("Rotate() made a secret that was gone")
	}
}

// A secret of ours keeps what somebody else has added to it.
func TestApplyKeepsWhatOthersAdd(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n")
	c := server.Connect(t)
	if _, err := pullsecret.Apply(t.Context(), c, pullSecret("demo")); err != nil {
		t.Fatal(err)
	}
	ours := server.Get("secrets", "demo", "regsecret")
	ours.SetAnnotations(map[string]string{"reflector/allowed": "true"})
	ours.Object["data"].(map[string]any)["other"] = "Yg=="
	text, err := ours.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	server.Put(t, string(text))
	renewed := pullSecret("demo")
	renewed.Credentials.Password = "new"
	if got, err := pullsecret.Apply(t.Context(), c, renewed); err != nil || got.Change != pullsecret.Updated {
		t.Fatalf("Apply() = %q, %v, want it updated", got.Change, err)
	}
	after := server.Get("secrets", "demo", "regsecret")
	if after.GetAnnotations()["reflector/allowed"] != "true" || after.Object["data"].(map[string]any)["other"] != "Yg==" {
		t.Errorf("Apply() left %v, want what others added kept", after.GetAnnotations())
	}
}
