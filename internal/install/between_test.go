package install_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// These tests let something happen between what a run looks at and what it does then.

// answering answers requests of a method to paths that end so.
func answering(method, suffix string, code int, reason, message string) func(*http.Request) *clustertest.Refusal {
	return func(r *http.Request) *clustertest.Refusal {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return nil
		}
		return &clustertest.Refusal{Code: code, Reason: reason, Message: message}
	}
}

// Databases that cannot be looked for may be there: that is an error, and never taken for none. Forced, an uninstall
// goes on, unless it could not end what it begins.
func TestUninstallThatCannotSeeDatabases(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse func(*http.Request) *clustertest.Refusal
		denied bool
		forced bool
		says   string
	}{
		{"the list is refused", answering("GET", "/dbs", 403, "Forbidden", "not yours to list"), true, true, "listing dbs: not yours to list"},
		{"the list fails", answering("GET", "/dbs", 500, "InternalError", "etcd is down"), false, true, "listing dbs: etcd is down"},
		{"the kinds are not told", answering("GET", "/apis", 403, "Forbidden", "no discovery"), true, false, "asking the cluster for Db.lab.example.com"},
		{"the release's kinds are not told", answering("GET", "/customresourcedefinitions", 403, "Forbidden", "no CRDs"), true, true, "no CRDs"},
		{"the records are refused", answering("GET", "/secrets", 403, "Forbidden", "no secrets"), true, false, "no secrets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			if _, err := b.run(t, map[string]string{"templates/crd.yaml": crd}); err != nil {
				t.Fatal(err)
			}
			for _, force := range []bool{false, true} {
				b.Refuse(tt.refuse)
				removal, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Force = force })
				var half *install.UninstallError
				if err == nil || errors.Is(err, cluster.ErrDenied) != tt.denied || !strings.Contains(err.Error(), tt.says) || errors.As(err, &half) || removal.Removed {
					t.Errorf("Uninstall(force %v) = %+v, %v, want %q", force, removal, err, tt.says)
				}
				if writes := b.Writes(); len(writes) > 0 {
					t.Errorf("Uninstall(force %v) refused, and wrote %q", force, writes)
				}
				b.Refuse(nil)
				if tt.forced {
					break
				}
			}
			if b.Get("configmaps", "pg", "c") == nil {
				t.Error("the operator is gone")
			}
		})
	}
}

// An object that the API server does not delete leaves the release recorded, its secrets in place, and its reason
// said; a run that can goes on from there.
func TestUninstallStoppedAtAnObject(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.Refuse(answering(http.MethodDelete, "/configmaps/c", 403, "Forbidden", "a policy protects it"))
	removal, err := b.uninstall(t)
	var half *install.UninstallError
	if !errors.As(err, &half) || !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "a policy protects it") || removal.Removed {
		t.Errorf("Uninstall() = %+v, %v, want half done, ErrDenied, and the policy named", removal, err)
	}
	if b.Get("secrets", "pg", "regsecret") == nil || len(removal.Secrets) > 0 {
		t.Errorf("Uninstall() removed secrets %q before the objects were gone", removal.Secrets)
	}
	b.Refuse(nil)
	if removal, err := b.uninstall(t); err != nil || !removal.Removed || b.Get("configmaps", "pg", "c") != nil || b.Get("secrets", "pg", "regsecret") != nil {
		t.Errorf("Uninstall() again = %+v, %v, want all of it removed", removal, err)
	}
}

// A secret that cannot be removed keeps none of the others, and the lists say which is which.
func TestUninstallGoesOnWithSecrets(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil, func(o *install.Options) { o.InstanceNamespaces = []string{"demo", "other"} }); err != nil {
		t.Fatal(err)
	}
	b.Refuse(answering(http.MethodDelete, "/demo/secrets/regsecret", 403, "Forbidden", "not in demo"))
	removal, err := b.uninstall(t)
	if !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "removing secret demo/regsecret: not in demo") || removal.Removed {
		t.Errorf("Uninstall() = %+v, %v, want demo's secret named, and no removal claimed", removal, err)
	}
	if want := []string{"other/regsecret", "pg/regsecret"}; !slices.Equal(removal.Secrets, want) || len(removal.KeptSecrets) > 0 {
		t.Errorf("Uninstall() removed %q and kept %q, want %q and none", removal.Secrets, removal.KeptSecrets, want)
	}
	for namespace, want := range map[string]bool{"demo": true, "other": false, "pg": false} {
		if there := b.Get("secrets", namespace, "regsecret") != nil; there != want {
			t.Errorf("the secret of %s is there: %v, want %v", namespace, there, want)
		}
	}
}

// Whoever makes an object between the look and the install keeps it: the install stops, and marks nothing.
func TestInstallOvertakenByAnObject(t *testing.T) {
	b := newBench(t)
	theirs := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg}\ndata: {precious: \"yes\"}\n"
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/secrets/regsecret") { // after all looks
			b.Put(t, theirs)
		}
		return nil
	})
	_, err := b.run(t, nil)
	var failure *install.Failure
	if !errors.As(err, &failure) || failure.Unchanged || !strings.Contains(err.Error(), "ConfigMap") {
		t.Errorf("Run() = %v, want that the config map is in the way, and what was done", err)
	}
	kept := b.Get("configmaps", "pg", "c")
	if kept == nil || cluster.OwnerOf(kept) != (cluster.Owner{}) || kept.Object["data"].(map[string]any)["precious"] != "yes" {
		t.Errorf("Run() made it %v, want it as it was", kept)
	}
}

// What is marked before helm begins was changed, though helm does nothing then.
func TestInstallThatOnlyMarks(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, map[string]string{"templates/crd.yaml": crd}); err != nil {
		t.Fatal(err)
	}
	b.Unannotate("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com", "helm.sh/resource-policy")
	b.Refuse(answering(http.MethodPost, "/secrets", 403, "Forbidden", "no more records"))
	_, err := b.run(t, map[string]string{"templates/crd.yaml": crd})
	var failure *install.Failure
	if !errors.As(err, &failure) || failure.Unchanged || !strings.Contains(err.Error(), "marked for helm to keep: CustomResourceDefinition dbs.lab.example.com") {
		t.Errorf("Run() = %v, want what was marked", err)
	}
}

// Where the pull secret cannot be made no release is installed, whose nodes could not log in, and none is claimed.
func TestInstallWithoutItsSecret(t *testing.T) {
	b := newBench(t)
	b.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: pg}\n")
	b.Refuse(answering(http.MethodPatch, "/secrets/regsecret", 500, "InternalError", "etcd is down"))
	outcome, err := b.run(t, nil)
	var failure *install.Failure
	if !errors.As(err, &failure) || failure.Step != "pull secrets" || !strings.Contains(err.Error(), "applying secret pg/regsecret: etcd is down") {
		t.Errorf("Run() = %v, want the pull secrets to fail, and why", err)
	}
	if outcome != nil && (len(outcome.Secrets) > 0 || outcome.Revision > 0) {
		t.Errorf("Run() = %+v, which claims what was not done", outcome)
	}
	if b.Get("configmaps", "pg", "c") != nil {
		t.Error("Run() installed a release all the same")
	}
}

// Without permissions every one that is lacking is said at once, and nothing was written; the dry run says the
// same, and fails not.
func TestInstallLacksPermissions(t *testing.T) {
	b := newBench(t)
	b.Deny("create configmaps", "patch secrets", "create namespaces")
	_, err := b.run(t, nil)
	b.refused(t, err, "permissions")
	var denied *cluster.DeniedError
	if !errors.As(err, &denied) || len(denied.Permissions) != 3 {
		t.Fatalf("Run() = %v, want three permissions lacking", err)
	}
	if _, err := b.run(t, nil, func(o *install.Options) { o.DryRun = true }); err != nil {
		t.Errorf("Run(dry) = %v, want no failure", err)
	}
	for _, permission := range denied.Permissions {
		if want := "the install itself would need: " + permission.String(); !slices.Contains(b.warned, want) {
			t.Errorf("Run(dry) warned %q, want %q", b.warned, want)
		}
	}
	if writes := b.Writes(); len(writes) > 0 {
		t.Errorf("Run(dry) wrote %q", writes)
	}
}
