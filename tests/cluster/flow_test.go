package cluster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	helmchart "helm.sh/helm/v3/pkg/chart"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ready does what the controllers of a whole cluster do once the operator runs.
func (s *site) ready(t *testing.T) {
	t.Helper()
	status := `{"status":{"observedGeneration":1000,"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1,
		"conditions":[{"type":"Available","status":"True","reason":"x","message":"x"},{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable","message":"x"}]}}`
	_, err := s.dynamic.Resource(deployments).Namespace(s.namespace).Patch(t.Context(), "postgres-operator", types.MergePatchType, []byte(status), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}

// offered are the versions that users of the cluster can pick.
func (s *site) offered(t *testing.T) []string {
	t.Helper()
	list, err := s.dynamic.Resource(postgresversions).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.GetName())
	}
	slices.Sort(names)
	return names
}

// The first flow of the README: two versions are copied, installed, and verified; and again
// when a third one is wanted.
func TestTheFlowOfTheReadme(t *testing.T) {
	s := newSiteWithout(t, func(versions.Artifact) bool { return true })
	vendor := registrytest.InProcess(t, registrytest.Options{})
	release, err := standin.New(standin.Options{Bytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Push(t.Context(), ref.Folder{Host: vendor.Host}); err != nil {
		t.Fatal(err)
	}
	registry := "--registry=" + s.Registry.Host
	few := []string{"postgres-16.9", "postgres-16.9-lite", "postgres-17.5", "postgres-17.5-lite"}

	ends(t, 0, s.bare(t, "copy", registry, "--source", vendor.Host, "--versions", "17.5,16.9", "--ca-file", s.Registry.CAFile))
	for range 2 { // a later install forgets nothing
		_, messages := s.exits(t, 0, "install", registry, "--wait=false", "--ca-file", s.Registry.CAFile)
		if !strings.Contains(messages, "left out, for their image was not relocated: postgres-13.20, ") {
			t.Errorf("install says\n%s\nwant what it left out", messages)
		}
		if got := s.offered(t); !slices.Equal(got, few) {
			t.Errorf("the cluster offers %v, want %v", got, few)
		}
		s.ready(t)
		s.exits(t, 0, "verify", registry, "--ca-file", s.Registry.CAFile)
	}

	ends(t, 0, s.bare(t, "copy", registry, "--source", vendor.Host, "--versions", "15.13", "--ca-file", s.Registry.CAFile))
	s.exits(t, 0, "install", registry, "--wait=false", "--ca-file", s.Registry.CAFile)
	if got, want := s.offered(t), append([]string{"postgres-15.13", "postgres-15.13-lite"}, few...); !slices.Equal(got, want) {
		t.Errorf("the cluster offers %v, want %v", got, want)
	}
	s.ready(t)
	s.exits(t, 0, "verify", "--ca-file", s.Registry.CAFile)

	// Who wants to offer all says so, and verify says what comes of it.
	_, messages := s.exits(t, 0, "install", registry, "--wait=false", "--only-mirrored=false", "--ca-file", s.Registry.CAFile)
	if !strings.Contains(messages, "14 versions can be picked but not pulled") {
		t.Errorf("install --only-mirrored=false says\n%s\nwant what cannot be pulled", messages)
	}
	s.ready(t)
	s.exits(t, 5, "verify", "--ca-file", s.Registry.CAFile)
}

// A version that a database uses is not taken away, whatever became of its image.
func TestVersionInUseStays(t *testing.T) {
	is175 := func(a versions.Artifact) bool {
		return a.Role == versions.RoleInstance && a.Versions[0].String() == "17.5"
	}
	s := newSiteWithout(t, is175)
	s.mustInstall(t, s.options(t)) // as it was once, with all versions
	_, err := s.dynamic.Resource(postgres).Namespace(s.namespace).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "sql.tanzu.vmware.com/v1", "kind": "Postgres", "metadata": map[string]any{"name": "payroll"},
		"spec": map[string]any{"postgresVersion": map[string]any{"name": "postgres-17.5"}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	opts := s.options(t)
	opts.OnlyMirrored = true
	outcome := s.mustInstall(t, opts)
	offered := s.offered(t)
	if !slices.Contains(offered, "postgres-17.5") || slices.Contains(offered, "postgres-17.5-lite") {
		t.Errorf("the cluster offers %v, want postgres-17.5 and not postgres-17.5-lite", offered)
	}
	if !strings.Contains(s.warnings(), "kept, for databases use them or a catalog of the cluster has them already, although their image is not in the registry: postgres-17.5") {
		t.Errorf("Run() warned %q, want the version that was kept", s.warnings())
	}
	if got := outcome.Prepared.LeftOut; !slices.Equal(got, []string{"postgres-17.5-lite"}) {
		t.Errorf("LeftOut = %v, want postgres-17.5-lite", got)
	}
}

// What is accepted has its reason, is no problem for verify, and hooks are looked at too.
func TestAcceptedPlace(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	opts.Cluster = connect(t, s.adminFile) // the documented role has nothing to do with jobs
	opts.Subject.Chart = s.chart(t, func(file *helmchart.File) {
		if file.Name == "templates/rbac.yaml" {
			file.Data = append(file.Data, `
---
apiVersion: batch/v1
kind: Job
metadata: {name: farewell, annotations: {"helm.sh/hook": post-delete}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "quay.io/other/farewell:1"}]}}}
`...)
		}
	})
	before := s.objects(t)
	_, err := install.Run(t.Context(), opts)
	var proof *preparation.ProofError
	if !errors.As(err, &proof) || len(proof.Places) != 1 || proof.Places[0].Cause != naming.Elsewhere {
		t.Errorf("Run() = %v, want one place that names an image from elsewhere", err)
	}
	if after := s.objects(t); after != before {
		t.Errorf("a failed proof changed the cluster:\nbefore\n%s\nafter\n%s", before, after)
	}

	accept, err := naming.ParseAccept("Job/farewell:spec.template=it comes from our own mirror")
	if err != nil {
		t.Fatal(err)
	}
	opts.Subject.Accept = []naming.Accept{accept}
	s.mustInstall(t, opts)
	if !strings.Contains(s.warnings(), "(it comes from our own mirror)") {
		t.Errorf("Run() warned %q, want the reason", s.warnings())
	}
	verifying := s.verifyOptions(t)
	verifying.Hosts = []string{s.Registry.Host}
	wants(t, mustVerify(t, verifying)) // the release has it recorded
}
