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
	c, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: s.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []schema.GroupKind{{Group: "lab.example.com", Kind: "Ver"}, {Group: "lab.example.com", Kind: "Unknown"}}
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
