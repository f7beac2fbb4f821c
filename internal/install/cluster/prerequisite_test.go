package cluster_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

func TestPrerequisite(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	if _, err := c.CheckPrerequisite(t.Context(), certManager, "default"); !errors.Is(err, cluster.ErrNoPrerequisite) {
		t.Errorf("CheckPrerequisite() = %v, want ErrNoPrerequisite", err)
	}
	server.Put(t, issuerCRD)
	c.Refresh()
	server.Writes()
	if notice, err := c.CheckPrerequisite(t.Context(), certManager, "default"); notice != "" || err != nil || len(server.Writes()) > 0 {
		t.Errorf("CheckPrerequisite() = %q, %v, want that it answers, and nothing written", notice, err)
	}
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if strings.HasSuffix(r.URL.Path, "/issuers") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "failed calling webhook"}
		}
		return nil
	})
	if _, err := c.CheckPrerequisite(t.Context(), certManager, "default"); !errors.Is(err, cluster.ErrNoAnswer) {
		t.Errorf("CheckPrerequisite() = %v, want ErrNoAnswer", err)
	}
	server.Refuse(nil)
	server.Deny("create issuers.cert-manager.io")
	if notice, err := c.CheckPrerequisite(t.Context(), certManager, "default"); notice == "" || err != nil {
		t.Errorf("CheckPrerequisite() forbidden = %q, %v, want a notice", notice, err)
	}
	const issuer = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: i}\n"
	if !certManager.UsedBy(clustertest.Objects(t, issuer)) || certManager.UsedBy(clustertest.Objects(t, db)) || certManager.UsedBy(clustertest.Objects(t, issuerCRD+"---\n"+issuer)) {
		t.Error("UsedBy() does not tell who uses it, and does not bring it along")
	}
}

const issuerCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: issuers.cert-manager.io}
spec: {group: cert-manager.io, names: {kind: Issuer, plural: issuers, singular: issuer}, scope: Namespaced, versions: [{name: v1, served: true, storage: true}]}
`

// certManager is a prerequisite that people know.
var certManager = cluster.Prerequisite{Product: "cert-manager", Title: "cert-manager", Probe: &unstructured.Unstructured{Object: map[string]any{
	"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "spec": map[string]any{"selfSigned": map[string]any{}},
}}}
