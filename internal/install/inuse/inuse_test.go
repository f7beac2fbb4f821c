package inuse_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/inuse"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const content = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: vers.lab.example.com}
spec: {group: lab.example.com, names: {kind: Ver, plural: vers}, scope: Cluster, versions: [{name: v1}]}
---
apiVersion: lab.example.com/v1
kind: Ver
metadata: {name: v17}
spec: {images: [{image: 'r.example.com/pg/instance:17'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: prod}
spec: {containers: [{name: a, image: 'r.example.com/pg/instance:16@sha256:DIGEST'}]}
status: {containerStatuses: [{imageID: 'r.example.com/pg/instance@sha256:OTHER'}]}
`

func TestFind(t *testing.T) {
	digest, other := strings.Repeat("a", 64), strings.Repeat("b", 64)
	s := clustertest.New(t)
	s.Put(t, strings.NewReplacer("DIGEST", digest, "OTHER", other).Replace(content))
	c := s.Connect(t)
	kinds := inuse.Kinds{Referring: []schema.GroupKind{{Group: "lab.example.com", Kind: "Ver"}, {Group: "lab.example.com", Kind: "Unknown"}}}
	images, err := inuse.Find(t.Context(), c, kinds)
	if err != nil {
		t.Fatal(err)
	}
	at := func(tag string) ref.Reference {
		return ref.Reference{Host: "r.example.com", Repository: "pg/instance", Tag: tag}
	}
	for _, tt := range []struct {
		tag, digest, want string
	}{
		{"17", "sha256:1", "Ver v17"}, {"16", "sha256:1", "Pod prod/db-0"}, {"x", "sha256:" + digest, "Pod prod/db-0"},
		{"x", "sha256:" + other, "Pod prod/db-0"}, {"15", "sha256:1", ""},
	} {
		if got := images.By(at(tt.tag), tt.digest); got != tt.want {
			t.Errorf("By(%s, %s) = %q, want %q", tt.tag, tt.digest, got, tt.want)
		}
	}
	got := map[string]string{}
	for use, who := range images.Uses() {
		if use.Ref.Host == "r.example.com" {
			got[use.Ref.Tag+"@"+use.Digest] = who
		}
	}
	want := map[string]string{"17@": "Ver v17", "16@sha256:" + digest: "Pod prod/db-0"}
	if !maps.Equal(got, want) {
		t.Errorf("Uses() = %v, want %v", got, want)
	}
	s.Deny("list pods")
	if _, err := inuse.Find(t.Context(), c, kinds); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Find() without pods = %v, want ErrDenied", err)
	}
}

// A repository that an operator is told, to find images in by tags that it knows, is no image: nobody has asked for
// its tag "latest". Where a runtime would take it for that, it is one.
func TestUsesOfRepositories(t *testing.T) {
	s := clustertest.New(t)
	s.Put(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: pg}
spec: {template: {spec: {containers: [{
  name: a, image: r.example.com/pg/operator, args: [r.example.com/pg/repository],
  env: [{name: PROXY_IMAGE_REPO, value: r.example.com/pg/proxy}, {name: AGENT_IMAGE, value: r.example.com/pg/agent}, {name: PROXY, value: "r.example.com/pg/proxy:2"}]}]}}}
`)
	images, err := inuse.Find(t.Context(), s.Connect(t), inuse.Kinds{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for use := range images.Uses() {
		if use.Ref.Host == "r.example.com" {
			got[use.Ref.Repository+":"+use.Ref.Tag] = true
		}
	}
	want := map[string]bool{"pg/operator:latest": true, "pg/agent:latest": true, "pg/proxy:2": true}
	if !maps.Equal(got, want) {
		t.Errorf("Uses() = %v, want %v", got, want)
	}
	if by := images.By(ref.Reference{Host: "r.example.com", Repository: "pg/proxy", Tag: "latest"}, ""); by != "Deployment pg/op" {
		t.Errorf("By(latest) = %q: what may be in use is not deleted, want Deployment pg/op", by)
	}
}

const picks = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: vers.lab.example.com}
spec: {group: lab.example.com, names: {kind: Ver, plural: vers}, scope: Cluster, versions: [{name: v1}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbs.lab.example.com}
spec: {group: lab.example.com, names: {kind: Db, plural: dbs}, scope: Namespaced, versions: [{name: v1}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: upgrades.lab.example.com}
spec: {group: lab.example.com, names: {kind: Upgrade, plural: upgrades}, scope: Namespaced, versions: [{name: v1}]}
---
apiVersion: lab.example.com/v1
kind: Ver
metadata: {name: pg-15}
spec: {image: 'r.example.com/pg/instance:15'}
---
apiVersion: lab.example.com/v1
kind: Ver
metadata: {name: pg-16}
spec: {image: 'r.example.com/pg/instance:16'}
---
apiVersion: lab.example.com/v1
kind: Ver
metadata: {name: pg-17}
spec: {image: 'r.example.com/pg/instance:17'}
---
apiVersion: lab.example.com/v1
kind: Db
metadata: {name: payroll, namespace: prod}
spec: {version: {name: pg-16}}
---
apiVersion: lab.example.com/v1
kind: Upgrade
metadata: {name: soon, namespace: prod}
spec: {to: pg-17}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: op-1, namespace: ops, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: op, uid: "1", controller: true}]}
spec: {replicas: 0, template: {spec: {containers: [{name: a, image: 'r.example.com/pg/operator:1'}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: op-2, namespace: ops, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: op, uid: "1", controller: true}]}
spec: {replicas: 1, template: {spec: {containers: [{name: a, image: 'r.example.com/pg/operator:2'}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: lone, namespace: ops}
spec: {replicas: 0, template: {spec: {containers: [{name: a, image: 'r.example.com/pg/operator:3'}]}}}
`

// A version that nobody has picked is offered, and not in use; nor is what a Deployment once was.
func TestPicked(t *testing.T) {
	s := clustertest.New(t)
	s.Put(t, picks)
	c := s.Connect(t)
	images, err := inuse.Find(t.Context(), c, inuse.Kinds{
		Referring: []schema.GroupKind{{Group: "lab.example.com", Kind: "Db"}}, Choices: []schema.GroupKind{{Group: "lab.example.com", Kind: "Ver"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, by, offered string }{
		{"instance:15", "", "Ver pg-15"},
		{"instance:16", "Ver pg-16 (picked by Db prod/payroll)", ""},
		{"instance:17", "Ver pg-17 (picked by Upgrade prod/soon)", ""},
		{"operator:1", "", ""},
		{"operator:2", "ReplicaSet ops/op-2", ""},
		{"operator:3", "ReplicaSet ops/lone", ""},
	} {
		repository, tag, _ := strings.Cut(tt.name, ":")
		at := ref.Reference{Host: "r.example.com", Repository: "pg/" + repository, Tag: tag}
		if by, offered := images.By(at, "sha256:1"), images.OfferedBy(at, "sha256:1"); by != tt.by || offered != tt.offered {
			t.Errorf("%s is used by %q and offered by %q, want %q and %q", tt.name, by, offered, tt.by, tt.offered)
		}
	}
	s.Deny("list upgrades.lab.example.com")
	if _, err := inuse.Find(t.Context(), c, inuse.Kinds{Choices: []schema.GroupKind{{Group: "lab.example.com", Kind: "Ver"}}}); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Find() without those who may have picked = %v, want ErrDenied", err)
	}
}
