package install_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// Where databases cannot be seen there may be some anywhere: forced, an uninstall takes nothing that they need.
func TestUninstallOfWhatCannotBeSeen(t *testing.T) {
	const own = "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: own, finalizers: [lab.example.com/op]}\nspec: {}\n"
	hook := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wipe, annotations: {helm.sh/hook: pre-delete}}\n"
	unserved := strings.ReplaceAll(crd, "served: true", "served: false")
	converting := func(b *bench) {
		b.Refuse(func(r *http.Request) *clustertest.Refusal {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/lab.example.com/v1/") {
				return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "conversion webhook for lab.example.com/v2 failed"}
			}
			return nil
		})
	}
	for _, tt := range []struct {
		name, says string
		files      map[string]string
		blind      func(*bench)
	}{
		{"a webhook that is down", "conversion webhook", map[string]string{"crds/crd.yaml": crd, "templates/own.yaml": own}, converting},
		{"no right to list", `cannot list it`, map[string]string{"templates/crd.yaml": crd}, func(b *bench) { b.Deny("list dbs.lab.example.com") }},
		{"no right to list CRDs", `cannot list it`, map[string]string{"crds/crd.yaml": crd, "templates/own.yaml": own},
			func(b *bench) { b.Deny("list customresourcedefinitions.apiextensions.k8s.io") }},
		{"a CRD that is not served", "serves none of its versions", map[string]string{"crds/crd.yaml": crd}, func(b *bench) { b.Put(t, unserved) }},
		{"a kind of somebody else's", `cannot list it`, role("lab.example.com", `"*"`, `"*"`), func(b *bench) { b.Deny("list dbs.lab.example.com") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.Put(t, crd)
			b.options.Cluster.Refresh()
			tt.files["templates/wipe.yaml"] = hook
			inDemo := func(o *install.Options) { o.InstanceNamespaces, o.Adopt = []string{"demo"}, true }
			if _, err := b.run(t, tt.files, inDemo); err != nil {
				t.Fatal(err)
			}
			tt.blind(b)
			_, err := b.uninstall(t)
			var unseen *install.UnseenError
			if !errors.As(err, &unseen) || !strings.Contains(err.Error(), tt.says) || len(b.Writes()) > 0 {
				t.Fatalf("Uninstall() = %v, want that databases cannot be seen, and nothing written", err)
			}
			removal, err := b.uninstall(t, func(o *install.UninstallOptions) { o.Force = true })
			if err != nil || !removal.Removed || len(removal.Unseen) != 1 || removal.Unseen[0].Error() != unseen.Reasons[0].Error() {
				t.Fatalf("Uninstall(force) = %+v, %v, want it removed, and what cannot be seen to be said", removal, err)
			}
			if len(removal.Secrets) > 0 || strings.Join(removal.KeptSecrets, " ") != "demo/regsecret pg/regsecret" || strings.Join(removal.SkippedHooks, " ") != "ConfigMap wipe" {
				t.Errorf("Uninstall(force) = %+v, want all pull secrets kept and the hook left out", removal)
			}
			if b.Get("secrets", "demo", "regsecret") == nil || b.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com") == nil ||
				b.Get("configmaps", "pg", "c") != nil {
				t.Error("Uninstall(force) did not keep the pull secret and the CRD, or not remove the rest")
			}
			if _, brought := tt.files["templates/own.yaml"]; brought && b.Get("dbs.lab.example.com", "pg", "own") == nil {
				t.Error("Uninstall(force) removed a database that it could not see")
			}
		})
	}
}

// What may not be done is not asked for where it is not going to be done, and whoever stops it stops it.
func TestUninstallOfWhatCannotBeSeenNeedsNoMore(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, map[string]string{"crds/crd.yaml": crd}, func(o *install.Options) { o.InstanceNamespaces = []string{"demo"} }); err != nil {
		t.Fatal(err)
	}
	b.Deny("list dbs.lab.example.com")
	if _, err := b.uninstall(t); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Uninstall() = %v, want an ErrDenied", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if strings.HasSuffix(r.URL.Path, "/dbs") {
			cancel(stopped)
		}
		return nil
	})
	removal, err := install.Uninstall(ctx, install.UninstallOptions{
		Cluster: b.options.Cluster, Product: b.options.Subject.Product, HelmRelease: "house", Namespace: "pg", Force: true,
	})
	if !errors.Is(err, stopped) || removal.Removed || b.Get("configmaps", "pg", "c") == nil {
		t.Errorf("Uninstall(force), stopped = %+v, %v, want it stopped and nothing removed", removal, err)
	}
}
