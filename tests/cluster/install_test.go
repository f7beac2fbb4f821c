package cluster_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	helmchart "helm.sh/helm/v3/pkg/chart"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// From nothing to a release, as a service account with the documented permissions only.
func TestInstall(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	opts.InstanceNamespaces = []string{s.namespace + "-demo", s.namespace + "-prod"}
	report := s.mustInstall(t, opts)

	if got, want := len(report.Created), 3; got != want {
		t.Errorf("Run() created %d namespaces, want %d", got, want)
	}
	if report.Definitions != 2 || report.Revision != 1 {
		t.Errorf("Run() = %d CRDs, revision %d, want 2 and 1", report.Definitions, report.Revision)
	}
	for _, namespace := range []string{s.namespace, s.namespace + "-demo", s.namespace + "-prod"} {
		got, err := pullsecret.Stored(t.Context(), opts.Cluster, namespace, "regsecret", s.Registry.Host)
		if err != nil || got != lab.Credentials(puller) {
			t.Errorf("Stored(%s) = %v, %v, want the puller's", namespace, got, err)
		}
	}
	deployment, err := s.dynamic.Resource(deployments).Namespace(s.namespace).Get(t.Context(), "postgres-operator", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	containers, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if got, want := containers[0].(map[string]any)["image"], s.Registry.Host+"/tanzu-sql-postgres/postgres-operator:v4.3.1"; got != want {
		t.Errorf("the operator's image = %v, want %v", got, want)
	}
	if got := len(report.Check.Versions); got != 20 {
		t.Errorf("Run() verified %d versions, want 20", got)
	}
	if !report.Check.OK() {
		t.Errorf("Check.Problems() = %v, want none", report.Check.Problems())
	}
	if got := s.warnings(); got != "" {
		t.Errorf("Run() warned: %s, want no warning", got)
	}
	s.noSecretInRelease(t)
}

// noSecretInRelease looks into helm's own records.
func (s *site) noSecretInRelease(t *testing.T) {
	t.Helper()
	list, err := s.dynamic.Resource(secrets).Namespace(s.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("helm's records: %d, %v", len(list.Items), err)
	}
	for _, item := range list.Items {
		encoded, _, _ := unstructured.NestedString(item.Object, "data", "release")
		outer, _ := base64.StdEncoding.DecodeString(encoded)
		inner, err := base64.StdEncoding.DecodeString(string(outer))
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := gzip.NewReader(bytes.NewReader(inner))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unzipped)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "postgres-operator") {
			t.Fatal("helm's record was not decoded")
		}
		for _, secret := range []string{puller.Password, owner.Password, base64.StdEncoding.EncodeToString([]byte(puller.Username + ":" + puller.Password))} {
			if strings.Contains(string(text), secret) {
				t.Errorf("helm's record %s contains a password", item.GetName())
			}
		}
	}
}

// Again: nothing changes but the revision.
func TestInstallAgain(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	report := s.mustInstall(t, s.options(t))
	if report.Revision != 2 || len(report.Created) != 0 {
		t.Errorf("Run() again = revision %d, %d namespaces created, want 2 and 0", report.Revision, len(report.Created))
	}
	if got := report.Secrets[0].Change; got != pullsecret.Unchanged {
		t.Errorf("Run() again left the secret %s, want unchanged", got)
	}
}

// An upgrade brings new CRDs, which helm alone would not.
func TestUpgradeRenewsDefinitions(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	opts := s.options(t)
	opts.Subject.Chart = s.chart(t, func(file *helmchart.File) {
		if file.Name == "crds/postgresversions.yaml" {
			file.Data = bytes.ReplaceAll(file.Data, []byte("dbVersion:\n"), []byte("dbVersion:\n                  description: the second\n"))
		}
	})
	s.mustInstall(t, opts)
	crd, err := s.dynamic.Resource(crds).Get(t.Context(), "postgresversions.sql.tanzu.vmware.com", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	got, _, _ := unstructured.NestedString(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec", "properties", "dbVersion", "description")
	if want := "the second"; got != want {
		t.Errorf("after the upgrade the CRD says %q, want %q", got, want)
	}
}
