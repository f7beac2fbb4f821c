package main

import (
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const postgresDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: postgres.sql.tanzu.vmware.com}
spec:
  group: sql.tanzu.vmware.com
  scope: Namespaced
  names: {kind: Postgres, plural: postgres, singular: postgres, listKind: PostgresList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: sql.tanzu.vmware.com/v1
kind: Postgres
metadata: {name: orders, namespace: shop}
spec: {postgresVersion: {name: postgres-17.5}}
---
apiVersion: sql.tanzu.vmware.com/v1
kind: Postgres
metadata: {name: untouched, namespace: shop}
spec: {postgresVersion: {name: postgres-18.4}}
`

// A database that runs what the next release does not have is named, nothing is written, and CRDs
// that move from crds/ into the templates are the same ones.
func TestUpgradePreviewAsksWhoUsesWhatVanishes(t *testing.T) {
	elsewhere(t)
	vendor := registrytest.InProcess(t, registrytest.Options{})
	newer, err := catalogue.Merge(catalogue.Builtin(), "newer", []byte("product: tanzu\nreleases: {v4.5.0: {shape: image-per-version, versions: [18.4, 17.4]}}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range []standin.Options{{Bytes: 50_000}, {Bytes: 50_000, Catalogue: newer, Release: "v4.5.0", CRDsInTemplates: true}} {
		made, err := standin.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := made.Push(t.Context(), ref.Folder{Host: vendor.Host}, vendor.Remote(t.Context())...); err != nil {
			t.Fatal(err)
		}
	}
	server := clustertest.New(t)
	server.Put(t, postgresDefinition)
	streams, out, messages := terminal.Test("")
	args := []string{"upgrade-preview", "--from=v4.3.1", "--to=v4.5.0", "--source=" + vendor.Host, "--kubeconfig=" + server.Kubeconfig(t)}
	if code := run(t.Context(), args, streams); code != exit.OK {
		t.Fatalf("run(%v) = %d, want %d:\n%s", args, code, exit.OK, messages)
	}
	if got := strings.Count(out.String(), "USED BY"); got != 1 || !strings.Contains(out.String(), "removed  version  postgres-17.5 ") || !strings.Contains(out.String(), "17.5; USED BY shop/orders\n") {
		t.Errorf("upgrade-preview writes\n%s\nwant postgres-17.5 as used by shop/orders, and nothing else as used", out)
	}
	if strings.Contains(out.String(), "postgres-17.4 ") || strings.Contains(out.String(), " CRD ") {
		t.Errorf("upgrade-preview writes\n%s\nwant nothing about what both releases have", out)
	}
	if writes := server.Writes(); len(writes) > 0 {
		t.Errorf("upgrade-preview wrote %v to the cluster, want nothing", writes)
	}
}
