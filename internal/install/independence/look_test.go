package independence_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/independence"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const content = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbs.lab.example.com}
spec:
  group: lab.example.com
  names: {kind: Db, plural: dbs}
  scope: Namespaced
  versions: [{name: v1, schema: {openAPIV3Schema: {description: such as docker.io/library/postgres}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: pg, annotations: {meta.helm.sh/release-name: house, meta.helm.sh/release-namespace: pg}}
spec: {template: {spec: {containers: [{name: a, image: vendor.example.com/op:1}, {name: b, image: r.example.com/pg/op:1}, {name: c, image: 'busybox:1.36'}]}}}
status: {note: quay.io/in/status}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: op-1, namespace: pg, ownerReferences: [{kind: Deployment, name: op}]}
spec: {template: {spec: {containers: [{name: a, image: vendor.example.com/op:1}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: op-1-x, namespace: pg, ownerReferences: [{kind: ReplicaSet, name: op-1}]}
spec: {containers: [{name: a, image: vendor.example.com/op:1}, {name: injected, image: quay.io/mesh/proxy:2}]}
---
apiVersion: lab.example.com/v1
kind: Db
metadata: {name: d, namespace: prod}
spec: {imageName: 'ghcr.io/lab/postgres:17', args: ['--exporter=eu.gcr.io/lab/exporter:1,r.example.com/x:1']}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: pg, labels: {app.kubernetes.io/managed-by: Argo}}
data: {text: 'pull from https://ghcr.io/lab/tool, or notghcr.io/lab/tool'}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: [{name: h.example.com, clientConfig: {url: 'https://registry.k8s.io/check'}}]
`

func look(t *testing.T, s *clustertest.Server, change func(*independence.Options)) (*independence.Findings, error) {
	t.Helper()
	opts := independence.Options{Cluster: s.Connect(t), Hosts: []string{"vendor.example.com"}, Ours: ref.Folder{Host: "r.example.com", Path: "pg"}}
	if change != nil {
		change(&opts)
	}
	return independence.Look(t.Context(), opts)
}

func server(t *testing.T) *clustertest.Server {
	t.Helper()
	s := clustertest.New(t)
	for text := range strings.SplitSeq(content, "---\n") {
		s.Put(t, text)
	}
	secret := base64.StdEncoding.EncodeToString([]byte(`{"auths":{"ghcr.io":{"password":"s3cret"}}}`))
	s.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: pg}\ndata: {.dockerconfigjson: "+secret+", other: aGVsbG8=}\n")
	return s
}

// Every string that names somebody else's registry is found where it was first said, with whose it
// is; and of secrets no more than the key.
func TestLook(t *testing.T) {
	s := server(t)
	before := s.All()
	report, err := look(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []independence.Mention{
		{Object: "ConfigMap pg/settings", Path: "data.text", Host: "ghcr.io", Names: "ghcr.io/lab/tool", Owner: "Argo"},
		{Object: "Db prod/d", Path: "spec.args[0]", Host: "eu.gcr.io", Names: "eu.gcr.io/lab/exporter:1"},
		{Object: "Db prod/d", Path: "spec.imageName", Host: "ghcr.io", Names: "ghcr.io/lab/postgres:17"},
		{Object: "Deployment pg/op", Path: "spec.template.spec.containers[0].image", Host: "vendor.example.com", Names: "vendor.example.com/op:1", Owner: "helm release pg/house"},
		{Object: "Deployment pg/op", Path: "spec.template.spec.containers[2].image", Host: "docker.io", Names: "busybox:1.36", Owner: "helm release pg/house"},
		{Object: "Pod pg/op-1-x", Path: "spec.containers[1].image", Host: "quay.io", Names: "quay.io/mesh/proxy:2", Owner: "ReplicaSet pg/op-1"},
		{Object: "Secret pg/login", Path: "data[.dockerconfigjson]", Host: "ghcr.io"},
		{Object: "ValidatingWebhookConfiguration hook", Path: "webhooks[0].clientConfig.url", Host: "registry.k8s.io", Names: "registry.k8s.io/check"},
	}
	if diff := cmp.Diff(want, report.Mentions); diff != "" {
		t.Errorf("Look() (-want +got):\n%s", diff)
	}
	if !report.Whole() || report.Objects < 9 {
		t.Errorf("Look() looked at %d objects, and not at %v", report.Objects, report.Unseen)
	}
	if diff := cmp.Diff(before, s.All()); diff != "" {
		t.Errorf("Look() changed the cluster:\n%s", diff)
	}
}

// What may not be listed is told: the report is not the whole.
func TestUnseen(t *testing.T) {
	s := server(t)
	s.Deny("list secrets", "list dbs.lab.example.com")
	report, err := look(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Whole() || len(report.Unseen) != 2 || report.Unseen[1].What != "secrets" || !errors.Is(report.Unseen[0].Err, cluster.ErrDenied) {
		t.Errorf("Look() has not seen %+v, want secrets and dbs", report.Unseen)
	}
	for _, m := range report.Mentions {
		if strings.HasPrefix(m.Object, "Secret") || strings.HasPrefix(m.Object, "Db") {
			t.Errorf("Look() found %+v", m)
		}
	}
}

// A bound that is reached is told as well.
func TestBounds(t *testing.T) {
	for name, change := range map[string]func(*independence.Options){
		"objects":  func(o *independence.Options) { o.Objects = 3 },
		"mentions": func(o *independence.Options) { o.Mentions = 1 },
	} {
		report, err := look(t, server(t), change)
		if err != nil || report.Whole() {
			t.Errorf("Look() with few %s = %+v, %v, want that it is not the whole", name, report, err)
		}
	}
}

// A private registry that lies at a public one does not count; the rest there does.
func TestOursAtAPublicRegistry(t *testing.T) {
	report, err := look(t, server(t), func(o *independence.Options) { o.Ours = ref.Folder{Host: "ghcr.io", Path: "lab"} })
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Mentions {
		if strings.HasPrefix(m.Names, "ghcr.io/lab/") {
			t.Errorf("Look() found our own %+v", m)
		}
	}
}

// A cluster that cannot be asked at all is an error, and not an independent one.
func TestNoAnswer(t *testing.T) {
	s := server(t)
	s.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.URL.Path == "/version" {
			return nil
		}
		return &clustertest.Refusal{Code: http.StatusInternalServerError, Reason: "InternalError", Message: "down"}
	})
	if report, err := look(t, s, nil); err == nil && report.Whole() {
		t.Errorf("Look() = %+v, want an error", report)
	}
}
